import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClientCases, type CaseResult, type ClientExamination } from '../../src/conformance/index.js';
import { WebSocketServer } from 'ws';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';
import { oddClient, type Oddity } from './support/odd-peer.js';
import { ask, echoClient, examine, notOk, WS_OPTIONS } from './support/peers.js';

describe('ws as client', () => {
  let run: ClientExamination;
  const results = new Map<string, CaseResult>();
  const reported: number[] = [];

  beforeAll(async () => {
    run = await runClientCases({
      port: 0,
      cases: [
        '1.*',
        '2.*',
        '3.*',
        '4.*',
        '5.*',
        '6.2.*',
        '6.3.*',
        '6.4.1',
        '6.4.3',
        '6.6.*',
        '7.*',
        '9.1.1',
        '9.3.5',
        '9.7.1',
        '10.*',
        '12.1.1',
        '12.5.4',
        '13.2.2',
        '13.3.1',
        '13.7.3',
        'H.3.*',
        'H.4.*',
        'D.2.*',
        'D.3.*',
      ],
      excludeFor: { 'ws *': ['7.13.2'] },
      updateReports: (all) => {
        reported.push(all.get('ws')?.size ?? 0);
      },
    });
    const collect = (async () => {
      for await (const result of run) results.set(result.id, result);
    })();
    const count = Number(await ask(`${run.url}/getCaseCount`));
    let next = 1;
    const lane = async (): Promise<void> => {
      while (next <= count) await echoClient(`${run.url}/runCase?case=${next++}&agent=ws`, WS_OPTIONS);
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    await ask(`${run.url}/updateReports?agent=ws`);
    await ask(`${run.url}/stopServer`).catch(() => null);
    await collect;
  }, 120_000);
  afterAll(() => run.stop());

  test('has the verdicts that the classic suite gives it', () => {
    expect(results.size).toBeGreaterThan(130);
    expect(notOk(results)).toEqual({
      '6.4.1': 'NON-STRICT OK',
      '6.4.3': 'NON-STRICT OK',
      '7.1.6': 'INFORMATIONAL INFORMATIONAL',
      '7.13.1': 'INFORMATIONAL INFORMATIONAL',
      '7.13.2': 'INFORMATIONAL INFORMATIONAL',
    });
    expect(reported).toEqual([results.size]);
  });

  test('is numbered by the selected list', () => {
    expect(results.get('1.1.1')!.case).toBe(1);
    expect(results.get('2.1')!.case).toBe(17);
    expect(results.get('2.7')).toMatchObject({ isServer: true, droppedByMe: true, wasClean: true, agent: 'ws' });
  });
});

describe('the examiner', () => {
  let run: ClientExamination;

  beforeAll(async () => {
    run = await runClientCases({ port: 0, cases: ['1.1.1', '2.7'], excludeFor: { 'left out': ['2.*'] } });
  });
  afterAll(() => run.stop());

  test('tells the count and what a case is, by number and by id', async () => {
    expect(await ask(`${run.url}/getCaseCount`)).toBe('2');
    expect(JSON.parse((await ask(`${run.url}/getCaseInfo?case=2`))!)).toMatchObject({ id: '2.7' });
    expect(JSON.parse((await ask(`${run.url}/getCaseInfo?casetuple=1.1.1`))!)).toMatchObject({ id: '1.1.1' });
  });

  test('tells a status as soon as there is one', async () => {
    const status = ask(`${run.url}/getCaseStatus?case=2&agent=patient`);
    await echoClient(`${run.url}/runCase?casetuple=2.7&agent=patient`, {});
    expect(JSON.parse((await status)!)).toEqual({ behavior: 'OK' });
  });

  test.each([
    '/runCase?case=1',
    '/runCase?case=1&agent=',
    '/runCase?case=3&agent=a',
    '/runCase?case=x&agent=a',
    '/runCase?casetuple=9.9&agent=a',
    '/getCaseInfo',
    '/nothing',
  ])('answers %s with an HTTP status and keeps no result', async (path) => {
    await expect(ask(run.url + path)).rejects.toThrow(/Unexpected server response: 40[04]/);
    expect(run.results.has('a')).toBe(false);
    expect(run.results.has('')).toBe(false);
  });

  test('closes at once and keeps no result where a case is left out for the agent', async () => {
    await echoClient(`${run.url}/runCase?casetuple=2.7&agent=left%20out`, {});
    expect(run.results.has('left out')).toBe(false);
  });
});

/** What each wrong client gets, case by case: behavior and behaviorClose. */
const WRONG: readonly { name: string; odd: Oddity; verdicts: Record<string, string> }[] = [
  {
    name: 'nothing wrong',
    odd: {},
    verdicts: { '1.1.1': 'OK OK', '2.2': 'OK OK', '2.7': 'OK OK', '3.1': 'OK OK', '6.3.1': 'OK OK', '7.3.2': 'OK OK' },
  },
  {
    name: 'silent after the handshake',
    odd: { silent: true },
    verdicts: { '1.1.1': 'FAILED UNCLEAN', '2.7': 'OK UNCLEAN', '3.1': 'OK FAILED' },
  },
  {
    name: 'drops TCP on any input',
    odd: { drops: true },
    verdicts: { '1.1.1': 'FAILED FAILED', '2.7': 'OK UNCLEAN', '3.1': 'OK OK' },
  },
  {
    name: 'closes with the wrong code',
    odd: { code: 1001 },
    verdicts: { '2.7': 'OK WRONG CODE', '3.1': 'OK WRONG CODE', '7.3.2': 'FAILED WRONG CODE' },
  },
  { name: 'closes without a code', odd: { code: 0 }, verdicts: { '2.7': 'OK OK', '3.1': 'OK OK' } },
  { name: 'does not mask its frames', odd: { wrongMask: true }, verdicts: { '1.1.1': 'FAILED UNCLEAN' } },
  { name: 'answers pings with something else', odd: { pong: 'pong' }, verdicts: { '2.2': 'FAILED OK' } },
  { name: 'echoes late', odd: { late: 2500 }, verdicts: { '1.1.1': 'FAILED UNCLEAN' } },
  { name: 'does not look at UTF-8', odd: { noUtf8Check: true }, verdicts: { '6.3.1': 'FAILED FAILED' } },
  { name: 'accepts reserved bits', odd: { acceptsRsv: true }, verdicts: { '3.1': 'FAILED FAILED' } },
  { name: 'sends unasked pongs', odd: { unaskedPong: true }, verdicts: { '1.1.1': 'FAILED OK', '2.7': 'FAILED OK' } },
  { name: 'does not answer the close', odd: { keepsTcp: true }, verdicts: { '2.7': 'OK UNCLEAN' } },
  { name: 'asks with HTTP/1.0', odd: { garbage: 'HTTP/1.0' }, verdicts: { '1.1.1': 'FAILED FAILED' } },
  { name: 'echoes text as binary', odd: { wrongType: true }, verdicts: { '1.1.1': 'FAILED OK' } },
];

describe('a wrong client is caught:', () => {
  test.concurrent.each(WRONG)('$name', async ({ odd, verdicts }) => {
    const run = await runClientCases({ port: 0, cases: Object.keys(verdicts) });
    await Promise.all(Object.keys(verdicts).map((id) => oddClient(run.port, id, odd)));
    for (const id of Object.keys(verdicts)) await ask(`${run.url}/getCaseStatus?casetuple=${id}&agent=odd`);
    run.stop();
    const pairs = [...run.results.get('odd')!].map(([id, { behavior, behaviorClose }]) => [
      id,
      `${behavior} ${behaviorClose}`,
    ]);
    expect(Object.fromEntries(pairs)).toEqual(verdicts);
  });
});

test('both roles speak TLS, on IPv6 too', async () => {
  const [cert, key] = [CERTIFICATE, KEY];
  const run = await runClientCases({ port: 0, host: '::1', tls: { cert, key }, cases: ['1.1.1', '2.7'] });
  expect(run.url).toMatch(/^wss:\/\/\[::1\]:\d+$/);
  await echoClient(`${run.url}/runCase?case=1&agent=tls`, { rejectUnauthorized: false });
  run.stop();
  expect(run.results.get('tls')!.get('1.1.1')).toMatchObject({ behavior: 'OK', behaviorClose: 'OK' });

  const server = createServer({ cert, key });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  const url = `wss://[::1]:${(server.address() as AddressInfo).port}/path?query=1`;
  const trusting = await examine({ url, cases: ['1.1.1', '7.1.1'], tls: { insecure: true } });
  await expect(examine({ url, cases: ['1.1.1'] })).rejects.toThrow(/SELF_SIGNED_CERT.*accept any \(insecure\)/);
  server.close();
  server.closeAllConnections();
  expect(notOk(trusting)).toEqual({});
  expect(trusting.get('1.1.1')!.httpRequest).toContain('GET /path?query=1 HTTP/1.1');
});
