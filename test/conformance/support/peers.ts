// Testees that the conformance suite is run against: `ws` as server and as client, and wslay's C echo server where it can be built.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer, type ClientOptions, type ServerOptions } from 'ws';
import { runServerCases, type CaseResult, type ServerRun } from '../../../src/conformance/index.js';

/** An option that the types of `ws` do not know yet. */
interface WsOptions extends Pick<ServerOptions & ClientOptions, 'maxPayload' | 'perMessageDeflate'> {
  maxFragments: number;
}

const options: WsOptions = { maxPayload: 64 * 1024 * 1024, perMessageDeflate: { threshold: 0 }, maxFragments: 0 };

/** Options with which `ws` passes what it can pass. */
export const WS_OPTIONS: ServerOptions & ClientOptions = options;

/** An echo server of `ws` on a free port. */
export async function wsServer(options: ServerOptions): Promise<{ url: string; stop: () => void }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}

/** Asks one of the examiner's paths with `ws`: the message it sends, or null. */
export function ask(url: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let text: string | null = null;
    const socket = new WebSocket(url);
    socket.on('message', (data: Buffer) => (text = data.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

/** Runs one case with an echo client of `ws`; resolves when the connection is gone. */
export function echoClient(url: string, options: ClientOptions): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, options);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}

/** Builds and starts the C echo server over libwslay; null, with the reason printed, where that cannot be. */
export async function wslayServer(): Promise<{ url: string; stop: () => void } | null> {
  const program = join(mkdtempSync(join(tmpdir(), 'wslay-')), 'wslay-echo');
  const source = fileURLToPath(new URL('wslay-echo.c', import.meta.url));
  try {
    execFileSync('cc', ['-D_GNU_SOURCE', '-O1', '-o', program, source, '-lwslay'], { stdio: 'pipe' });
  } catch (error) {
    console.log(`wslay is not examined: ${error instanceof Error ? error.message.split('\n')[1] : String(error)}`);
    return null;
  }
  const child = spawn(program, { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<string>((resolve) =>
    child.stdout.once('data', (line: Buffer) => resolve(line.toString())),
  );
  return { url: `ws://127.0.0.1:${port.trim()}`, stop: () => child.kill() };
}

/** Runs cases against a server and returns the results by id. */
export async function examine(run: ServerRun): Promise<Map<string, CaseResult>> {
  const results = new Map<string, CaseResult>();
  for await (const result of runServerCases(run)) results.set(result.id, result);
  return results;
}

/** The pair of verdicts of each case that is not OK in both. */
export function notOk(results: ReadonlyMap<string, CaseResult>): Record<string, string> {
  const pairs = [...results].map(([id, { behavior, behaviorClose }]) => [id, `${behavior} ${behaviorClose}`]);
  return Object.fromEntries(pairs.filter(([, pair]) => pair !== 'OK OK'));
}
