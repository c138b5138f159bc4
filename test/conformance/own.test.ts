import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { runClientCases, runServerCases, type CaseResult } from '../../src/conformance/index.js';
import { WebSocket, WebSocketServer } from '../../src/index.js';

/** Everything but the cases that take long because they carry much: `npm run conformance` runs those too. */
const CASES = [
  '1.*',
  '2.*',
  '3.*',
  '4.*',
  '5.*',
  '6.*',
  '7.*',
  '9.3.1',
  '9.4.2',
  '10.*',
  '12.1.3',
  ...['1', '2', '3', '4', '5', '6', '7'].map((set) => `13.${set}.1`),
  'H.*',
  'D.*',
  'S.*',
];

const LANES = 8;

function refused(results: readonly CaseResult[]): string[] {
  const good = ['OK', 'INFORMATIONAL'];
  return results
    .filter(({ behavior, behaviorClose }) => !good.includes(behavior) || !good.includes(behaviorClose))
    .map(({ id, behavior, behaviorClose }) => `${id} ${behavior} ${behaviorClose}`);
}

test.concurrent(
  'our server with strictHandshake and compression is strict in every case',
  async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true, strictHandshake: true });
    server.on('connection', (websocket) => {
      websocket.on('message', (data: Buffer, isBinary: boolean) => websocket.send(data, { binary: isBinary }));
    });
    await once(server, 'listening');
    const results: CaseResult[] = [];
    const { port } = server.address() as AddressInfo;
    for await (const result of runServerCases({ url: `ws://127.0.0.1:${port}`, cases: CASES })) results.push(result);
    server.close();
    expect(refused(results)).toEqual([]);
    expect(results.length).toBeGreaterThan(380);
  },
  120_000,
);

test.concurrent(
  'our client with default options is strict in every case',
  async () => {
    const examination = await runClientCases({ port: 0, cases: CASES });
    const counting = new WebSocket(`${examination.url}/getCaseCount`);
    const [count] = (await once(counting, 'message')) as [Buffer];
    const results: CaseResult[] = [];
    const collecting = (async () => {
      for await (const result of examination) {
        // The examiner judges a case after its client has seen the end of it.
        if (results.push(result) === Number(count)) examination.stop();
      }
    })();
    let next = 1;
    const lane = async (): Promise<void> => {
      while (next <= Number(count)) {
        const websocket = new WebSocket(`${examination.url}/runCase?case=${next++}&agent=wsimd`);
        websocket.on('message', (data: Buffer, isBinary: boolean) => websocket.send(data, { binary: isBinary }));
        websocket.on('error', () => {});
        await once(websocket, 'close').catch(() => {});
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await collecting;
    expect(refused(results)).toEqual([]);
  },
  120_000,
);
