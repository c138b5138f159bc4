// Cases on worker threads: the verdicts are those of one thread, in both roles, and a run leaves no thread behind.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { AddressInfo } from 'node:net';
import type * as Suite from '../../src/conformance/index.js';
import { ask, echoClient, wsServer } from './support/peers.js';

/** The built suite: a worker is a file of its own. */
const BUILT = new URL('../../dist/conformance/index.js', import.meta.url);

async function built(): Promise<typeof Suite | null> {
  if (existsSync(fileURLToPath(BUILT))) return (await import(BUILT.href)) as typeof Suite;
  console.log('not run: dist/ is not built');
  return null;
}

const DEFLATE = { perMessageDeflate: { threshold: 0 } };
const CASES = ['1.1.1', '12.1.1', '13.3.1'];

/** Threads of this process, after those that have been told to end had time for it. */
async function threads(most: number): Promise<number> {
  const count = (): number =>
    process.report.getReport === undefined
      ? 0
      : ((process.report.getReport() as unknown as { workers: unknown[] }).workers ?? []).length;
  for (let looks = 0; looks < 100 && count() > most; looks++) await new Promise((resolve) => setTimeout(resolve, 20));
  return count();
}

/** The parts of a result that are the same each time. */
function facts(result: Suite.CaseResult): unknown {
  const { id, behavior, behaviorClose, result: words, wasClean, txFrameStats, rxFrameStats, trafficStats } = result;
  return { id, behavior, behaviorClose, words, wasClean, txFrameStats, rxFrameStats, trafficStats };
}

async function collect(results: AsyncIterable<Suite.CaseResult>): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for await (const result of results) found.set(result.id, facts(result));
  return new Map([...found].sort(([one], [other]) => one.localeCompare(other)));
}

test(
  'a server has the verdicts, counts and traffic of one thread, and progress is told',
  { timeout: 60_000 },
  async () => {
    const suite = await built();
    if (suite === null) return;
    const server = await wsServer(DEFLATE);
    const before = await threads(0);
    const alone = await collect(suite.runServerCases({ url: server.url, cases: CASES }));
    const told: string[] = [];
    const onCase = (id: string, begun: boolean): void => void told.push(`${id} ${begun}`);
    const shared = await collect(suite.runServerCases({ url: server.url, cases: CASES, workers: 2, onCase }));
    server.stop();
    expect(shared).toEqual(alone);
    expect(shared.size).toBe(CASES.length);
    expect(told.sort()).toEqual(CASES.flatMap((id) => [`${id} false`, `${id} true`]).sort());
    expect(await threads(before)).toBe(before);
  },
);

test('a client has the verdicts, counts and traffic of one thread', { timeout: 60_000 }, async () => {
  const suite = await built();
  if (suite === null) return;
  const examined = async (workers: number): Promise<Map<string, unknown>> => {
    const run = await suite.runClientCases({ port: 0, cases: CASES, workers });
    const collected = collect(run);
    const count = Number(await ask(`${run.url}/getCaseCount`));
    const numbers = Array.from({ length: count }, (_, place) => place + 1);
    await Promise.all(numbers.map((number) => echoClient(`${run.url}/runCase?case=${number}&agent=ws`, DEFLATE)));
    run.stop();
    return collected;
  };
  const before = await threads(0);
  const shared = await examined(2);
  expect(shared).toEqual(await examined(0));
  expect(shared.size).toBe(CASES.length);
  expect(await threads(before)).toBe(before);
});

test('a run that is aborted in the middle of its cases leaves no thread', { timeout: 60_000 }, async () => {
  const suite = await built();
  if (suite === null) return;
  const server = await wsServer(DEFLATE);
  const before = await threads(0);
  const controller = new AbortController();
  const cases = ['12.1.9', '12.3.9'];
  const begun: string[] = [];
  const onCase = (id: string): void => {
    begun.push(id);
    if (begun.length === cases.length) setTimeout(() => controller.abort(new Error('enough')), 100);
  };
  const run = suite.runServerCases({ url: server.url, cases, workers: 2, onCase, signal: controller.signal });
  await expect(run.next()).rejects.toThrow('enough');
  expect(await threads(before)).toBe(before);
  server.stop();
});

test(
  'a case that fails only beside others is judged again alone, and a server that dies of one is started again',
  { timeout: 60_000 },
  async () => {
    const suite = await built();
    if (suite === null) return;
    let port = 0;
    let starts = 0;
    let sockets: WebSocketServer | null = null;
    const start = async (): Promise<void> => {
      starts++;
      const server = new WebSocketServer({ port, host: '127.0.0.1', ...DEFLATE });
      sockets = server;
      server.on('connection', (socket) => {
        let count = 0;
        socket.on('error', () => undefined);
        socket.on('message', (data: Buffer, binary) => {
          // 12.3 is the only one that is binary and of 64 bytes: the server dies in its middle.
          if (binary && data.length === 64 && ++count === 500) {
            for (const client of server.clients) client.terminate();
            server.close();
          } else if (server.clients.size === 1 || data.length !== 16) socket.send(data, { binary });
          else socket.close(1013);
        });
      });
      await new Promise((resolve) => server.once('listening', resolve));
      port = (server.address() as AddressInfo).port;
    };
    await start();
    const run = { url: `ws://127.0.0.1:${port}`, cases: ['12.1.1', '12.3.2'], workers: 2 };
    const notes: string[] = [];
    const verdicts: Record<string, string> = {};
    for await (const { id, behavior } of suite.runServerCases({
      ...run,
      restart: start,
      onNote: (note) => notes.push(note),
    }))
      verdicts[id] = behavior;
    (sockets as WebSocketServer | null)?.close();
    expect(verdicts).toEqual({ '12.1.1': 'OK', '12.3.2': 'FAILED' });
    expect(starts).toBeGreaterThan(1);
    expect(notes.at(-1)).toMatch(/^The server died in .*12\.3\.2.* and was started again\.$/);
  },
);

test('a number of workers that is none is refused', { timeout: 60_000 }, async () => {
  const suite = await built();
  if (suite === null) return;
  const url = 'ws://127.0.0.1:1';
  await expect(suite.runServerCases({ url, workers: 1.5 }).next()).rejects.toThrow('workers is a whole number');
  await expect(suite.runClientCases({ port: 0, workers: -1 })).rejects.toThrow('workers is a whole number');
});
