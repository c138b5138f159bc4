// Options of one client and the session that others share: signal, trust, Object.prototype and `createConnection`.
import { once } from 'node:events';
import http2, { type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from '../../../src/index.js';
import type { ClientOptions } from '../../../src/node/client.js';
import { CERTIFICATE, KEY } from '../contract/certificate.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** A server that echoes, its sessions, and a way to open a client that shares one. */
async function serve(server = http2.createServer()): Promise<{
  wss: WebSocketServer;
  sessions: Set<ServerHttp2Session>;
  dial: (options?: ClientOptions) => WebSocket;
}> {
  const wss = new WebSocketServer({ server });
  wss.on('connection', (websocket: WebSocket) => websocket.on('message', (data) => websocket.send(data)));
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(async () => {
    for (const session of sessions) session.destroy();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const scheme = 'setSecureContext' in server ? 'wss' : 'ws';
  const dial = (options: ClientOptions = {}): WebSocket => {
    return new WebSocket(`${scheme}://localhost:${port}/`, { http2: true, family: 4, ...options });
  };
  return { wss, sessions, dial };
}

test('a signal ends the handshake of its own client and no session', async () => {
  const { dial, sessions } = await serve();
  const controller = new AbortController();
  const one = dial({ signal: controller.signal });
  const other = dial();
  await Promise.all([once(one, 'open'), once(other, 'open')]);
  controller.abort();
  for (const each of [one, other]) {
    each.send('after');
    expect(String((await once(each, 'message'))[0])).toBe('after');
  }
  expect(sessions.size).toBe(1);
});

test.each<[string, ClientOptions]>([
  ['ecdhCurve', { ecdhCurve: 'P-521' }],
  ['minDHSize', { minDHSize: 2048 }],
  ['pskCallback', { pskCallback: () => null }],
  ['secureOptions', { secureOptions: constants.SSL_OP_NO_TICKET }],
  ['secureProtocol', { secureProtocol: 'TLSv1_2_method' }],
  ['sigalgs', { sigalgs: 'RSA-PSS+SHA256:ECDSA+SHA256' }],
])('clients with another %s share no session', async (_, options) => {
  const { dial, sessions } = await serve(http2.createSecureServer({ cert: CERTIFICATE, key: KEY }));
  for (const each of [{}, options, {}, options]) await once(dial({ ca: CERTIFICATE, ...each }), 'open');
  expect(sessions.size).toBe(2);
});

test('blanks around the value of a header field do not take the field away', async () => {
  const { wss, dial } = await serve();
  const asked = once(wss, 'connection');
  // The last byte of this word in UTF-8 is no blank.
  const bytes = Buffer.from('voilà').toString('latin1');
  await once(dial({ headers: { Authorization: 'Bearer a ', Cookie: ['\ta=1', 'b=2'], 'X-Name': bytes } }), 'open');
  const [, { headers }] = (await asked) as [WebSocket, http2.Http2ServerRequest];
  expect([headers.authorization, headers.cookie, headers['x-name']]).toEqual(['Bearer a', 'a=1; b=2', bytes]);
});

test.each(['X-Name', 'Host'])('as over HTTP/1.1, a value of %s with characters beyond bytes is refused', (name) => {
  for (const http2 of [true, false]) {
    const options = { http2, headers: { [name]: 'a\u010d\u010ab' } };
    expect(() => new WebSocket('ws://127.0.0.1:1/', options)).toThrow(
      `Invalid character in header content ["${name}"]`,
    );
  }
});

test('Object.prototype cannot choose where a session connects', async () => {
  const { dial } = await serve();
  const properties = { localAddress: '192.0.2.1', lookup: (): never => expect.unreachable() };
  for (const [name, value] of Object.entries(properties)) {
    // oxlint-disable-next-line no-extend-native
    Object.defineProperty(Object.prototype, name, { value, configurable: true });
  }
  let websocket: WebSocket;
  try {
    websocket = dial();
  } finally {
    for (const name of Object.keys(properties)) Reflect.deleteProperty(Object.prototype, name);
  }
  await once(websocket, 'open');
});

test('a session that all have left keeps no timer in the clock of a test runner', async () => {
  const { wss, dial, sessions } = await serve();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  endings.push(() => vi.useRealTimers());
  const one = dial();
  await once(one, 'open');
  const [served] = wss.clients!;
  const ends = [one, served].map((each) => once(each, 'close'));
  one.close();
  await Promise.all(ends);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(60_000);
  await once(dial(), 'open');
  expect(sessions.size).toBe(1);
});

test('createConnection has to return its stream, as http2.connect takes no other', async () => {
  const { dial } = await serve();
  expect(() => dial({ createConnection: () => undefined })).toThrow(
    new TypeError('Over HTTP/2, the "createConnection" option must return a stream'),
  );
});

test.each([{}, 'yes', 1, [], () => {}])('the option http2 is a boolean or a session, not %j', async (value) => {
  const { dial } = await serve();
  expect(() => dial({ http2: value as never })).toThrow(
    new TypeError('The "http2" option must be a boolean or a ClientHttp2Session'),
  );
});
