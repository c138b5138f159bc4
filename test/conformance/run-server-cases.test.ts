import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CannotRunError, runServerCases, type CaseResult } from '../../src/conformance/index.js';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';
import { oddServer, type Oddity } from './support/odd-peer.js';
import { examine, notOk, WS_OPTIONS, wslayServer, wsServer } from './support/peers.js';

/** A selection of all groups that takes a few seconds. */
const SELECTION = [
  '1.*',
  '2.*',
  '3.*',
  '4.*',
  '5.*',
  '6.*',
  '7.*',
  '10.*',
  '9.1.1',
  '9.2.3',
  '9.3.5',
  '9.4.9',
  '9.5.6',
  '9.6.6',
  '9.7.3',
  '9.8.1',
  '12.1.1',
  '12.2.2',
  '12.3.3',
  '12.4.4',
  '12.5.4',
  '13.1.3',
  '13.2.4',
  '13.3.1',
  '13.4.1',
  '13.5.2',
  '13.6.2',
  '13.7.3',
];

describe('ws as server', () => {
  let server: Awaited<ReturnType<typeof wsServer>>;
  let results: Map<string, CaseResult>;

  beforeAll(async () => {
    server = await wsServer(WS_OPTIONS);
    results = await examine({ url: server.url, cases: SELECTION, agent: 'ws' });
  }, 120_000);
  afterAll(() => server.stop());

  test('has the verdicts that the classic suite gives it', () => {
    expect(results.size).toBe(267);
    expect(notOk(results)).toEqual({
      '6.4.1': 'NON-STRICT OK',
      '6.4.2': 'NON-STRICT OK',
      '6.4.3': 'NON-STRICT OK',
      '6.4.4': 'NON-STRICT OK',
      '7.1.6': 'INFORMATIONAL INFORMATIONAL',
      '7.13.1': 'INFORMATIONAL INFORMATIONAL',
      '7.13.2': 'INFORMATIONAL INFORMATIONAL',
    });
  });

  test('counts frames and bytes as the case sends them', () => {
    const { txFrameStats, rxFrameStats, case: number } = results.get('10.1.1')!;
    expect(txFrameStats).toMatchObject({ 0: 50, 1: 1, 8: 1 });
    expect(rxFrameStats).toMatchObject({ 8: 1 });
    expect(number).toBe(301);
    // A length that is a multiple of the fragment size gets an empty final frame.
    expect(results.get('6.2.3')!.txFrameStats).toMatchObject({ 0: 29, 1: 1 });
    expect(results.get('1.1.8')!.txOctetStats).toMatchObject({ 997: 65 });
  });

  test('measures the traffic of compressed messages', () => {
    const stats = results.get('12.1.1')!.trafficStats!;
    expect(stats.outgoingOctetsAppLevel).toBe(16_000);
    expect(stats.incomingOctetsAppLevel).toBe(16_000);
    expect(stats.outgoingWebSocketMessages).toBe(1000);
    expect(stats.incomingCompressionRatio).toBeCloseTo(stats.incomingOctetsWebSocketLevel / 16_000);
    expect(results.get('1.1.1')!.trafficStats).toBeNull();
  });

  test('switches the wire log off while much data goes to and fro, and on again', () => {
    const rows = results.get('9.1.1')!.wirelog.filter((row) => row.kind === 'wireLog');
    expect(rows).toEqual([
      { kind: 'wireLog', enabled: false },
      { kind: 'wireLog', enabled: true },
    ]);
  });

  test('is logged in case 2.7 as the classic page of wslay is, masks aside', () => {
    const { wirelog, droppedByMe, wasClean } = results.get('2.7')!;
    const rows = wirelog
      .slice(2)
      .map((row) => ({ ...row, ...('mask' in row && row.mask !== null ? { mask: 'any' } : {}) }));
    expect(rows.map(({ kind }) => kind)).toEqual([
      'frameSent',
      'octetsSent',
      'frameSent',
      'octetsSent',
      'closeAfter',
      'octetsReceived',
      'frameReceived',
    ]);
    expect(rows[0]).toMatchObject({
      opcode: 10,
      fin: true,
      rsv: 0,
      mask: 'any',
      repeatLength: null,
      chopSize: null,
      sync: false,
    });
    expect(rows[1]).toMatchObject({ bytes: { length: 6 }, sync: false });
    expect(rows[2]).toMatchObject({ opcode: 8, fin: true, payload: { length: 2 } });
    expect(rows[3]).toMatchObject({ bytes: { length: 8 } });
    expect(rows[4]).toEqual({ kind: 'closeAfter', seconds: 1 });
    expect(rows[5]).toMatchObject({ bytes: { length: 4, head: new Uint8Array(Buffer.from('880203e8', 'hex')) } });
    expect(rows[6]).toMatchObject({ opcode: 8, mask: null });
    expect({ droppedByMe, wasClean }).toEqual({ droppedByMe: false, wasClean: true });
  });
});

test('ws with default options fails where it counts the fragments, with 1008', async () => {
  const server = await wsServer({});
  const results = await examine({ url: server.url, cases: ['9.3.1', '9.3.2', '9.3.3', '9.4.1', '9.4.2'] });
  server.stop();
  const codes = ['9.3.1', '9.3.2', '9.3.3', '9.4.1', '9.4.2'].map((id) => [
    id,
    results.get(id)?.behavior,
    results.get(id)?.remoteCloseCode,
  ]);
  expect(codes).toEqual([
    ['9.3.1', 'FAILED', 1008],
    ['9.3.2', 'FAILED', 1008],
    ['9.3.3', 'OK', 1000],
    ['9.4.1', 'FAILED', 1008],
    ['9.4.2', 'FAILED', 1008],
  ]);
});

test('wslay has the verdicts that the classic suite gives it', async () => {
  const server = await wslayServer();
  if (server === null) return;
  const cases = ['1.*', '2.*', '3.*', '4.*', '5.*', '6.*', '7.*', '10.*'];
  const results = await examine({ url: server.url, cases });
  server.stop();
  expect(results.get('2.7')!.agent).toBe('wslay');
  const pairs = Object.entries(notOk(results)).filter(([, pair]) => !pair.startsWith('INFORMATIONAL'));
  expect(pairs.every(([, pair]) => pair === 'NON-STRICT OK')).toBe(true);
  const ids = pairs.map(([id]) => id).sort();
  // It drops the echo that is still to be sent; where frames come in writes of their own (3.3, 3.4, 4.1.5, 4.2.5), it has sent it.
  expect(ids).toEqual(['3.2', '4.1.3', '4.1.4', '4.2.3', '4.2.4', '5.15']);
});

/** What each wrong server gets, case by case: behavior and behaviorClose. */
const WRONG: readonly { name: string; odd: Oddity; verdicts: Record<string, string>; timeoutScale?: number }[] = [
  {
    name: 'nothing wrong',
    odd: {},
    verdicts: { '1.1.1': 'OK OK', '2.2': 'OK OK', '2.7': 'OK OK', '3.1': 'OK OK', '6.3.1': 'OK OK', '7.3.2': 'OK OK' },
  },
  {
    name: 'silent after the handshake',
    odd: { silent: true },
    verdicts: { '1.1.1': 'FAILED UNCLEAN', '2.7': 'OK UNCLEAN', '3.1': 'OK FAILED', '7.3.2': 'OK FAILED BY CLIENT' },
    timeoutScale: 0.3,
  },
  {
    name: 'drops TCP on any input',
    odd: { drops: true },
    verdicts: { '1.1.1': 'FAILED FAILED', '2.7': 'OK UNCLEAN', '3.1': 'OK OK', '6.3.1': 'OK OK', '7.3.2': 'OK OK' },
  },
  {
    name: 'closes with the wrong code',
    odd: { code: 1001 },
    verdicts: {
      '2.7': 'OK WRONG CODE',
      '3.1': 'OK WRONG CODE',
      '6.3.1': 'OK WRONG CODE',
      '7.3.2': 'FAILED WRONG CODE',
    },
  },
  {
    name: 'closes without a code',
    odd: { code: 0 },
    verdicts: { '2.7': 'OK OK', '3.1': 'OK OK', '6.3.1': 'OK OK', '7.3.2': 'OK OK' },
  },
  {
    name: 'masks its frames',
    odd: { wrongMask: true },
    verdicts: { '1.1.1': 'FAILED UNCLEAN', '2.2': 'FAILED UNCLEAN' },
  },
  {
    name: 'answers pings with something else',
    odd: { pong: 'pong' },
    verdicts: { '2.2': 'FAILED OK', '1.1.1': 'OK OK' },
  },
  { name: 'echoes late', odd: { late: 10_000 }, verdicts: { '1.1.1': 'FAILED UNCLEAN' } },
  {
    name: 'does not look at UTF-8',
    odd: { noUtf8Check: true },
    verdicts: { '6.3.1': 'FAILED FAILED', '6.2.3': 'OK OK' },
  },
  { name: 'accepts reserved bits', odd: { acceptsRsv: true }, verdicts: { '3.1': 'FAILED FAILED', '1.1.1': 'OK OK' } },
  { name: 'sends unasked pongs', odd: { unaskedPong: true }, verdicts: { '1.1.1': 'FAILED OK', '2.7': 'FAILED OK' } },
  {
    name: 'never drops TCP',
    odd: { keepsTcp: true },
    // In the first and the last the case's own limit comes before that of the closing.
    verdicts: { '1.1.1': 'OK FAILED BY CLIENT', '2.7': 'OK UNCLEAN', '7.3.2': 'OK FAILED BY CLIENT' },
  },
  {
    name: 'answers the handshake with garbage',
    odd: { garbage: 'HELLO\r\n\r\n' },
    verdicts: { '1.1.1': 'FAILED FAILED', '7.13.1': 'INFORMATIONAL INFORMATIONAL' },
  },
  {
    name: 'echoes text as binary',
    odd: { wrongType: true },
    verdicts: { '1.1.1': 'FAILED OK', '1.2.1': 'OK OK', '9.1.1': 'FAILED OK' },
  },
  {
    name: 'echoes twice',
    odd: { twice: true },
    verdicts: { '1.1.1': 'FAILED OK', 'S.5.1': 'FAILED OK' },
    timeoutScale: 0.1,
  },
];

describe('a wrong server is caught:', () => {
  test.concurrent.each(WRONG)('$name', async ({ odd, verdicts, timeoutScale = 1 }) => {
    const server = await oddServer(odd);
    const results = await examine({ url: server.url, cases: Object.keys(verdicts), timeoutScale });
    server.stop();
    const pairs = Object.fromEntries(
      [...results].map(([id, { behavior, behaviorClose }]) => [id, `${behavior} ${behaviorClose}`]),
    );
    expect(pairs).toEqual(verdicts);
  });

  test('floods', async () => {
    const server = await oddServer({ floods: true });
    const results = await examine({ url: server.url, cases: ['1.1.1'], timeoutScale: 0.2 });
    server.stop();
    expect(notOk(results)).toEqual({ '1.1.1': 'FAILED UNCLEAN' });
    expect(results.get('1.1.1')!.wirelog.length).toBeLessThan(20_010);
  });

  test.concurrent('never answers the handshake, by the timer of five seconds', async () => {
    const server = await oddServer({ garbage: '' });
    const results = await examine({ url: server.url, cases: ['1.1.1', 'H.2.1'], timeoutScale: 0.1 });
    server.stop();
    expect(results.get('1.1.1')).toMatchObject({
      behavior: 'FAILED',
      behaviorClose: 'FAILED',
      wasOpenHandshakeTimeout: true,
      resultClose: 'The WebSocket opening handshake was never completed!',
    });
    expect(results.get('H.2.1')!.behavior).toBe('FAILED');
  });
});

describe('a run that cannot begin says so in a sentence:', () => {
  const run = async (run: Parameters<typeof runServerCases>[0]): Promise<void> => {
    for await (const result of runServerCases(run)) expect(result).toBeUndefined();
  };

  test('nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const sentence = `Cannot connect to 127.0.0.1, port ${port} (ECONNREFUSED): start the server or correct its URL.`;
    await expect(run({ url: `ws://127.0.0.1:${port}` })).rejects.toThrow(new CannotRunError(sentence));
  });

  test('a certificate that is not trusted', async () => {
    const server = createTlsServer({ cert: CERTIFICATE, key: KEY }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(run({ url })).rejects.toThrow(
      /\(DEPTH_ZERO_SELF_SIGNED_CERT\): make its certificate right, or accept/,
    );
    server.close();
  });

  test('a subprotocol or an origin that would break the request', async () => {
    const url = 'ws://127.0.0.1:1';
    await expect(run({ url, protocols: ['a b'] })).rejects.toThrow('"a b" is no subprotocol.');
    await expect(run({ url, origin: 'http://a\r\nX: b' })).rejects.toThrow('"http://a\\r\\nX: b" is no origin.');
  });

  test('a URL that is none, an unknown case, nothing left', async () => {
    const url = 'ws://127.0.0.1:1';
    await expect(run({ url: 'http://127.0.0.1' })).rejects.toThrow('"http://127.0.0.1" is no ws:// or wss:// URL.');
    await expect(run({ url, cases: ['1.1.99'] })).rejects.toThrow('No case is called "1.1.99"; ids are written like');
    await expect(run({ url, cases: ['1.1.1'], exclude: ['1.*'] })).rejects.toThrow('No case is left');
    await expect(run({ url, jobs: 0 })).rejects.toThrow('jobs');
  });
});

test('an aborted run ends with the reason of its signal, and its sockets are gone', async () => {
  const server = await oddServer({ silent: true });
  const controller = new AbortController();
  const results: string[] = [];
  const run = async (): Promise<void> => {
    for await (const { id } of runServerCases({
      url: server.url,
      cases: ['1.*', '9.1.6'],
      timeoutScale: 0.1,
      signal: controller.signal,
    })) {
      results.push(id);
      controller.abort(new Error('enough'));
    }
  };
  await expect(run()).rejects.toThrow('enough');
  expect(results.length).toBeGreaterThan(0);
  server.stop();
});

test('cases are left out for agents that are named', async () => {
  const server = await wsServer(WS_OPTIONS);
  const results = await examine({
    url: server.url,
    cases: ['1.1.1', '1.1.2', '2.1'],
    excludeFor: { 'Unknown*': ['1.1.*'] },
  });
  server.stop();
  expect([...results.keys()]).toEqual(['2.1']);
});
