// Our server and our client pass the conformance cases over streams of HTTP/2 too (RFC 8441).
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { runClientCases, runServerCases, type CaseResult } from '../../src/conformance/index.js';
import { WebSocket, WebSocketServer } from '../../src/index.js';

/** All cases but those of the opening handshake of HTTP/1.1 and those that take long because they carry much. */
const CASES = [
  ...['1', '2', '3', '4', '5', '6', '7', '10', 'D', 'S'].map((group) => `${group}.*`),
  '9.1.1',
  '9.2.1',
  '12.1.3',
  '13.1.1',
  '13.7.1',
];
const LANES = 8;
/** Megabytes that may wait on a session; with more than Node's 10 waiting it refuses new streams. */
const MEMORY = 1000;

function refused(results: readonly CaseResult[]): string[] {
  const good = ['OK', 'INFORMATIONAL'];
  return results
    .filter(({ behavior, behaviorClose }) => !good.includes(behavior) || !good.includes(behaviorClose))
    .map(({ id, behavior, behaviorClose }) => `${id} ${behavior} ${behaviorClose}`);
}

function echo(websocket: WebSocket): void {
  websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
  websocket.on('error', () => {});
}

test('our server is strict in every case over HTTP/2', async () => {
  const server = http2.createServer({ maxSessionMemory: MEMORY });
  new WebSocketServer({ server, perMessageDeflate: true }).on('connection', echo);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const results: CaseResult[] = [];
  for await (const result of runServerCases({ url, cases: CASES, http2: true })) results.push(result);
  server.close();
  expect(refused(results)).toEqual([]);
  expect(results.length).toBeGreaterThan(360);
}, 600_000);

test('our client is strict in every case over HTTP/2', async () => {
  const examination = await runClientCases({ port: 0, cases: CASES, http2: true });
  const results: CaseResult[] = [];
  const collecting = (async () => {
    for await (const result of examination) results.push(result);
  })();
  const connect = (path: string): WebSocket => new WebSocket(`${examination.url}${path}`, { http2: true });
  const counting = connect('/getCaseCount');
  const [count] = (await once(counting, 'message')) as [Buffer];
  let next = 1;
  const lane = async (): Promise<void> => {
    while (next <= Number(count)) {
      const websocket = connect(`/runCase?case=${next++}&agent=wsimd`);
      echo(websocket);
      await new Promise((resolve) => websocket.on('close', resolve));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  examination.stop();
  await collecting;
  expect(refused(results)).toEqual([]);
  expect(results.length).toBeGreaterThan(340);
}, 600_000);
