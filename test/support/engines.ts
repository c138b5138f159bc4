// `startRedis` and `startNats` run an engine for topics on a free port, where the system has one.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Engine {
  readonly port: number;
  /** Starts it again on the same port, after `stop`. */
  start(): Promise<void>;
  /** Kills it; what it kept in memory is lost. */
  stop(): Promise<void>;
  /** Stops it and removes its directory. */
  end(): Promise<void>;
}

/** Whether a program is there; if not, says that what needs it is not tested. */
export function hasEngine(program: string): boolean {
  const isThere = spawnSync(program, ['--version']).error === undefined;
  if (!isThere) console.log(`not tested: ${program} is not installed`);
  return isThere;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await delay(20);
    } finally {
      socket.destroy();
    }
  }
}

async function engine(program: string, argumentsFor: (port: number, directory: string) => string[]): Promise<Engine> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-engine-'));
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn(program, argumentsFor(port, directory), { stdio: 'ignore' });
    await answers(port);
  };
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const end = async (): Promise<void> => {
    await stop();
    rmSync(directory, { recursive: true });
  };
  await start();
  return { port, start, stop, end };
}

export const startRedis = (...flags: string[]): Promise<Engine> =>
  engine('redis-server', (port, directory) => [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--save',
    '',
    ...flags,
  ]);
