// Verdicts that were once wrong or a matter of chance, each against a testee that does just this.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { runClientCases, type CaseResult } from '../../src/conformance/index.js';
import { requestRaw } from '../support/raw-peer.js';
import { hastyServer, oddClient, oddServer, type Oddity } from './support/odd-peer.js';
import { echoClient, examine, wsServer } from './support/peers.js';

/** Both verdicts of each case. */
function pairs(results: Iterable<CaseResult>): Record<string, string> {
  return Object.fromEntries(
    [...results].map(({ id, behavior, behaviorClose }) => [id, `${behavior} ${behaviorClose}`]),
  );
}

/** What a server that does this wrong gets in these cases. */
async function examined(odd: Oddity, cases: string[]): Promise<Map<string, CaseResult>> {
  const server = await oddServer(odd);
  const results = await examine({ url: server.url, cases });
  server.stop();
  return results;
}

/** The same verdicts for all of these cases. */
function all(cases: string[], pair: string): Record<string, string> {
  return Object.fromEntries(cases.map((id) => [id, pair]));
}

test('RFC 7692 7.1.2.2 a client that offers client_max_window_bits=10 is answered with no more', async () => {
  const run = await runClientCases({ port: 0, cases: ['13.4.1', '13.6.1'] });
  const options = { perMessageDeflate: { threshold: 0, clientMaxWindowBits: 10 } };
  await echoClient(`${run.url}/runCase?casetuple=13.4.1&agent=ws`, options);
  await echoClient(`${run.url}/runCase?casetuple=13.6.1&agent=ws`, options);
  run.stop();
  const results = run.results.get('ws')!;
  expect(pairs(results.values())).toEqual(all(['13.4.1', '13.6.1'], 'OK OK'));
  expect(results.get('13.4.1')!.httpRequest).toContain('client_max_window_bits=10');
  expect(results.get('13.4.1')!.httpResponse).toContain('client_max_window_bits=10\r\n');
});

test('RFC 7692 7.1.2 a server with a window of 10 bits is sent nothing that refers farther', async () => {
  const server = await wsServer({
    perMessageDeflate: { threshold: 0, clientMaxWindowBits: 10, serverMaxWindowBits: 10 },
  });
  const results = await examine({ url: server.url, cases: ['D.1.11', 'D.1.12', 'D.1.16', 'D.4.1'] });
  server.stop();
  expect(pairs(results.values())).toEqual({
    ...all(['D.1.11', 'D.1.12', 'D.4.1'], 'OK OK'),
    'D.1.16': 'UNIMPLEMENTED OK',
  });
});

test('RFC 6455 5.5.3 an unasked pong fails no case of ours; the classic suite fails it', async () => {
  const results = await examined({ unaskedPong: true }, ['1.1.2', 'S.3.6']);
  expect(pairs(results.values())).toEqual({ '1.1.2': 'FAILED OK', 'S.3.6': 'OK OK' });
});

test('RFC 6455 5.5.2 a pong may come before or after the echo of a message', async () => {
  const cases = ['S.3.6', 'S.4.4', 'S.5.5', 'S.6.1'];
  expect(pairs((await examined({ readsAhead: true }, cases)).values())).toEqual(all(cases, 'OK OK'));
  const wrong = await examined({ readsAhead: true, pong: 'pong' }, ['S.3.6']);
  expect(wrong.get('S.3.6')!.behavior).toBe('FAILED');
  const run = await runClientCases({ port: 0, cases: ['S.4.5'] });
  await oddClient(run.port, 'S.4.5', { readsAhead: true });
  run.stop();
  expect(pairs(run.results.get('odd')!.values())).toEqual({ 'S.4.5': 'OK OK' });
});

test('RFC 7692 7.1.1.1, 7.1.2.1 a server that leaves out what was asked passes the classic cases and fails ours', async () => {
  const classic = ['13.2.1', '13.3.1', '13.5.1', '13.6.1', '13.7.1'];
  const results = await examined({ mirrors: true }, [...classic, 'D.9.*']);
  expect(pairs(results.values())).toEqual({
    ...all(classic, 'OK OK'),
    ...all(['D.9.1', 'D.9.2', 'D.9.3'], 'FAILED FAILED'),
  });
  expect(results.get('D.9.1')!.result).toMatch(/server_no_context_takeover .*RFC 7692 7\.1\.1\.1/);
  expect(results.get('D.9.2')!.result).toMatch(/server_max_window_bits=9 .*RFC 7692 7\.1\.2\.1/);
});

test('a testee that breaks the protocol in its answer fails the case, though no answer was expected', async () => {
  const pong = (await examined({}, ['2.5'])).get('2.5')!;
  expect(pong).toMatchObject({ behavior: 'FAILED', result: expect.stringContaining('control frame of 126 bytes') });
  const text = (await examined({ mirrors: true }, ['D.2.6'])).get('D.2.6')!;
  expect(text).toMatchObject({ behavior: 'FAILED', result: expect.stringContaining('text message that is no UTF-8') });
});

test('to refuse by policy is informational, with what the server did', async () => {
  const refused = await examined(
    { refuses: { what: /^(origin|sec-websocket-protocol):/im, status: '403 Forbidden' } },
    ['H.1.11', 'H.1.12'],
  );
  expect(pairs(refused.values())).toEqual(all(['H.1.11', 'H.1.12'], 'INFORMATIONAL OK'));
  expect(refused.get('H.1.12')!.result).toContain('HTTP/1.1 403 Forbidden');
  const dropped = await examined({ refuses: { what: /^.{4000}|x-field-40/im, status: null } }, [
    'H.1.1',
    'H.1.7',
    'H.1.8',
  ]);
  expect(pairs(dropped.values())).toEqual({ 'H.1.1': 'OK OK', ...all(['H.1.7', 'H.1.8'], 'INFORMATIONAL OK') });
  expect(dropped.get('H.1.8')!.result).toContain('dropped TCP');
});

test('RFC 6455 4.2.2 a server need not decode the key; 4.2.1 it refuses one that violates the ABNF', async () => {
  const results = await examined({}, ['H.2.7', 'H.2.8', 'H.2.9']);
  expect(pairs(results.values())).toEqual({ ...all(['H.2.7', 'H.2.8'], 'INFORMATIONAL OK'), 'H.2.9': 'FAILED OK' });
});

test('RFC 6455 4.1 a client may keep TCP open after a response of HTTP, but not after a bad handshake', async () => {
  const run = await runClientCases({ port: 0, cases: ['H.4.1', 'H.4.2', 'H.4.4'], timeoutScale: 0.2 });
  await Promise.all(
    ['H.4.1', 'H.4.2', 'H.4.4'].map(async (id) => {
      const peer = requestRaw(run.port, { requestLine: `GET /runCase?casetuple=${id}&agent=idle HTTP/1.1` });
      await peer.ended;
      peer.socket.destroy();
    }),
  );
  await run.settled();
  run.stop();
  expect(pairs(run.results.get('idle')!.values())).toEqual({
    ...all(['H.4.1', 'H.4.2'], 'OK OK'),
    'H.4.4': 'OK UNCLEAN',
  });
});

test('RFC 6455 5.1, 5.2 any close code is right where the RFC demands none', async () => {
  const cases = ['S.1.1', 'S.1.3', 'S.1.5', 'S.3.1', 'S.3.2', 'S.3.3', 'S.3.4', 'S.3.5'];
  expect(pairs((await examined({ code: 1008 }, cases)).values())).toEqual(all(cases, 'OK OK'));
  // Where it demands the failing of the connection, its appropriate code is still looked at.
  expect(pairs((await examined({ code: 1008 }, ['S.2.14'])).values())).toEqual({ 'S.2.14': 'OK WRONG CODE' });
});

test('what the classic suite writes apart is read apart, and what it writes as one is read as one, 40 times of 40', async () => {
  const server = await hastyServer();
  const apart = ['3.3', '3.4', '4.1.5', '4.2.5'];
  const together = ['3.2', '4.1.3', '4.1.4', '4.2.3', '4.2.4', '5.15'];
  const runs = Array.from({ length: 40 }, () => examine({ url: server.url, cases: [...apart, ...together], jobs: 1 }));
  for (const results of await Promise.all(runs)) {
    expect(pairs(results.values())).toEqual({ ...all(apart, 'OK OK'), ...all(together, 'NON-STRICT OK') });
  }
  server.stop();
}, 60_000);

test('7.1.6 keeps both lists that it accepts', async () => {
  const { expected } = (await examined({}, ['7.1.6'])).get('7.1.6')!;
  expect(Object.keys(expected)).toEqual(['OK', 'NON-STRICT']);
  expect([expected.OK, expected['NON-STRICT']].map((list) => list?.length)).toEqual([1, 0]);
});

test('RFC 6455 7.1.7 another close code after bad frames of compressed messages is INFORMATIONAL', async () => {
  const results = await examined({ mirrors: true, code: 1000 }, ['D.3.6', 'D.3.7']);
  expect(pairs(results.values())).toEqual(all(['D.3.6', 'D.3.7'], 'OK INFORMATIONAL'));
  expect(results.get('D.3.6')!.resultClose).toMatch(/^The close code was 1000; .* 7\.1\.7 only says/);
});

test('a server that was right about a compressed message once is found when it changes one later', async () => {
  let changes = false;
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
  server.on('connection', (socket) => {
    let count = 0;
    socket.on('message', (data: Buffer, binary: boolean) => {
      const other = Buffer.from(data);
      if (changes && ++count === 500) other[3] = 0x41;
      socket.send(other, { binary });
    });
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cases = ['12.1.1', '13.1.1'];
  const right = await examine({ url: `ws://127.0.0.1:${port}`, cases: ['12.1.1'], jobs: 1 });
  expect(pairs(right.values())).toEqual(all(['12.1.1'], 'OK OK'));
  changes = true;
  const results = await examine({ url: `ws://127.0.0.1:${port}`, cases, jobs: 1 });
  server.close();
  expect(Object.values(pairs(results.values()))).toContain('FAILED OK');
});
