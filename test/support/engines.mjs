// `startRedis`, `startRedisCluster`, `startNats` and `startHub` run an engine for topics on a free port, or a path, of its own.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Whether a program is there; if not, says that what needs it is not tested. */
export function hasEngine(program) {
  const isThere = spawnSync(program, ['--version']).error === undefined;
  if (!isThere) console.log(`not tested: ${program} is not installed`);
  return isThere;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until something listens at a port, or a path. */
async function answers(where) {
  for (;;) {
    const socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where);
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

async function engine(program, argumentsFor, whereOf = (port) => port) {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-engine-'));
  const where = whereOf(port, directory);
  let child;
  const start = async () => {
    child = spawn(program, argumentsFor(port, directory), { stdio: 'ignore' });
    await answers(where);
  };
  const stop = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const end = async () => {
    await stop();
    rmSync(directory, { recursive: true });
  };
  await start();
  const pause = () => void child.kill('SIGSTOP');
  const resume = () => void child.kill('SIGCONT');
  return { port, path: join(directory, 'hub'), pid: () => child.pid, start, stop, pause, resume, end };
}

const redisArguments = (port, directory, flags) =>
  ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''].concat(flags);

export function startRedis(...flags) {
  return engine('redis-server', (port, directory) => redisArguments(port, directory, flags));
}

/** Three nodes, each with a third of the slots. */
export async function startRedisCluster(...flags) {
  const nodes = [];
  for (let index = 0; index < 3; index++) {
    nodes.push(await startRedis('--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', ...flags));
  }
  const ask = (port, ...command) =>
    spawnSync('redis-cli', ['-p', String(port), ...command], { encoding: 'utf8' }).stdout;
  const bounds = [0, 5461, 10923, 16384];
  for (const [index, { port }] of nodes.entries()) {
    ask(port, 'cluster', 'addslotsrange', String(bounds[index]), String(bounds[index + 1] - 1));
    if (index > 0) ask(port, 'cluster', 'meet', '127.0.0.1', String(nodes[0].port));
  }
  for (const { port } of nodes) {
    while (!ask(port, 'cluster', 'info').includes('cluster_state:ok')) await delay(50);
    while (ask(port, 'cluster', 'nodes').split('connected').length < 4) await delay(50);
  }
  const end = () => Promise.all(nodes.map((node) => node.end()));
  return { nodes, end };
}

/** With JetStream, which keeps its streams in a directory that lasts until the end. */
export function startNats(...flags) {
  return engine('nats-server', (port, directory) =>
    ['--addr', '127.0.0.1', '--port', String(port), '-js', '-sd', directory].concat(flags),
  );
}

const HUB = fileURLToPath(new URL('hub.mjs', import.meta.url));

/** A hub of the built package, in a process of its own; `path` says where. */
export function startHub(history) {
  const argumentsFor = (_, directory) => [HUB, join(directory, 'hub'), JSON.stringify(history)];
  return engine(process.execPath, argumentsFor, (_, directory) => join(directory, 'hub'));
}
