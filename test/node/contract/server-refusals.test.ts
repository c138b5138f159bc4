/** The contract with `ws`: which handshakes a server refuses, in which order it looks, and how the refusal reads. */
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { headerOf, type RawConnectOptions } from '../../support/raw-peer.js';
import { contract, event, listen, listenHttp, ownedServer, rawRequest, refusal } from './harness.js';

type Outcome = string;

/** '101', or status and body of the refusal. */
async function outcome(port: number, options: RawConnectOptions): Promise<Outcome> {
  const peer = rawRequest(port, options);
  const head = await peer.readHead();
  const status = head.slice(9, 12);
  if (status === '101') {
    peer.socket.destroy();
    return status;
  }
  return `${status} ${(await peer.readToEnd()).toString()}`;
}

const KEY = 'Missing or invalid Sec-WebSocket-Key header';
const VERSION = 'Missing or invalid Sec-WebSocket-Version header';

interface Row {
  name: string;
  request: RawConnectOptions;
  expected: Outcome;
}

// Each row is one fault in an otherwise good request.
const ROWS: Row[] = [
  { name: 'method POST is 405', request: { requestLine: 'POST / HTTP/1.1' }, expected: '405 Invalid HTTP method' },
  {
    name: 'Upgrade: another protocol is 400',
    request: { headers: { Upgrade: 'foo' } },
    expected: '400 Invalid Upgrade header',
  },
  { name: 'Upgrade: letter case does not matter', request: { headers: { Upgrade: 'WebSOCKet' } }, expected: '101' },
  { name: 'key missing is 400', request: { headers: { 'Sec-WebSocket-Key': undefined } }, expected: `400 ${KEY}` },
  {
    name: 'key too short is 400',
    request: { headers: { 'Sec-WebSocket-Key': 'P5l8BJcZwRc=' } },
    expected: `400 ${KEY}`,
  },
  {
    name: 'key with a character outside base64 is 400',
    request: { headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j-Q==' } },
    expected: `400 ${KEY}`,
  },
  {
    name: 'key without its padding is 400',
    request: { headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' } },
    expected: `400 ${KEY}`,
  },
  {
    name: 'version missing is 400',
    request: { headers: { 'Sec-WebSocket-Version': undefined } },
    expected: `400 ${VERSION}`,
  },
  { name: 'version 12 is 400', request: { headers: { 'Sec-WebSocket-Version': '12' } }, expected: `400 ${VERSION}` },
  {
    name: 'version that is no number is 400',
    request: { headers: { 'Sec-WebSocket-Version': 'thirteen' } },
    expected: `400 ${VERSION}`,
  },
  {
    name: 'the key of the example in RFC 6455 4.1, with bits that belong to no byte, is taken',
    request: { headers: { 'Sec-WebSocket-Key': 'AQIDBAUGBwgJCgsMDQ4PEC==' } },
    expected: '101',
  },
  { name: 'an empty Host is taken', request: { headers: { Host: '' } }, expected: '101' },
  { name: 'version 13 is taken', request: {}, expected: '101' },
  { name: 'version 8 is taken', request: { headers: { 'Sec-WebSocket-Version': '8' } }, expected: '101' },
  {
    name: 'subprotocols: an empty element is 400',
    request: { headers: { 'Sec-WebSocket-Protocol': 'a,,b' } },
    expected: '400 Invalid Sec-WebSocket-Protocol header',
  },
  {
    name: 'subprotocols: an empty value is 400',
    request: { headers: { 'Sec-WebSocket-Protocol': '' } },
    expected: '400 Invalid Sec-WebSocket-Protocol header',
  },
  {
    name: 'subprotocols: a character outside token is 400',
    request: { headers: { 'Sec-WebSocket-Protocol': 'foo@bar' } },
    expected: '400 Invalid Sec-WebSocket-Protocol header',
  },
  {
    name: 'subprotocols: a duplicate is 400',
    request: { headers: { 'Sec-WebSocket-Protocol': 'foo, bar, foo' } },
    expected: '400 Invalid Sec-WebSocket-Protocol header',
  },
  {
    name: 'extensions: a header that does not parse is 400',
    request: { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate; =' } },
    expected: '400 Invalid or unacceptable Sec-WebSocket-Extensions header',
  },
  {
    name: 'extensions: an unknown one is passed over',
    request: { headers: { 'Sec-WebSocket-Extensions': 'x-unknown; a=1' } },
    expected: '101',
  },
];

// What only `ws` lets pass, or answers otherwise: a row differs with an own HTTP server only.
const STRICT: (Row & { strict: Outcome | RegExp })[] = [
  {
    name: 'HTTP/1.0 is refused',
    request: { requestLine: 'GET / HTTP/1.0' },
    expected: '101',
    strict: /^(400|505) /,
  },
  { name: 'no Host is refused', request: { headers: { Host: undefined } }, expected: '101', strict: /^400 / },
  {
    name: 'version 13.0 is refused',
    request: { headers: { 'Sec-WebSocket-Version': '13.0' } },
    expected: '101',
    strict: `400 ${VERSION}`,
  },
  {
    name: 'an Upgrade list that names websocket is taken',
    request: { headers: { Upgrade: 'websocket, foo' } },
    expected: '400 Invalid Upgrade header',
    strict: '101',
  },
];

contract('server refusals', (implementation) => {
  for (const row of ROWS) {
    it(`handleUpgrade: ${row.name}`, async () => {
      const { port, server } = await listen(implementation, { perMessageDeflate: true });
      const connected = event(server, 'connection').then(() => 'connected');
      expect(await outcome(port, row.request)).toBe(row.expected);
      const none = Promise.resolve('none');
      if (row.expected === '101') expect(await connected).toBe('connected');
      else expect(await Promise.race([connected, none])).toBe('none');
    });
  }

  for (const row of STRICT) {
    const taken = row.name.replace('is refused', 'is taken');
    // Some versions of Node refuse a request without Host on a server that is not told otherwise.
    const refusedByNode = (answer: string): boolean => row.name.startsWith('no Host') && answer.startsWith('400 ');

    it(`handleUpgrade: ${taken} on an own HTTP server, as ws does`, async () => {
      const { port } = await listen(implementation);
      const answer = await outcome(port, row.request);
      if (!refusedByNode(answer)) expect(answer).toBe(row.expected);
    });

    it(`handleUpgrade: ${row.name} with strictHandshake (D3)`, async () => {
      const { port } = await listen(implementation, { strictHandshake: true });
      const answer = await outcome(port, row.request);
      if (refusedByNode(answer)) return;
      const expected = implementation.differs<Outcome | RegExp>('D3', { ws: row.expected, wsimd: row.strict });
      expect(answer).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected));
    });

    it(`handleUpgrade: ${taken} with an external server, as ws does`, async () => {
      const httpServer = http.createServer({ requireHostHeader: false });
      ownedServer(new implementation.WebSocketServer({ server: httpServer }));
      const { port } = await listenHttp(httpServer);
      expect(await outcome(port, row.request)).toBe(row.expected);
    });
  }

  it('handleUpgrade: a request with two Hosts is refused everywhere (D3)', async () => {
    const httpServer = http.createServer();
    ownedServer(new implementation.WebSocketServer({ server: httpServer }));
    const external = await listenHttp(httpServer);
    const own = await listen(implementation);
    for (const { port } of [external, own]) {
      const answer = await outcome(port, { headers: { 'X-First: 1\r\nHost': 'b.example' } });
      expect(answer.slice(0, 3)).toBe(implementation.differs('D3', { ws: '101', wsimd: '400' }));
    }
  });

  it('handleUpgrade: an upgrade request with a body is refused everywhere (D3)', async () => {
    const httpServer = http.createServer();
    ownedServer(new implementation.WebSocketServer({ server: httpServer }));
    const external = await listenHttp(httpServer);
    const own = await listen(implementation);
    for (const { port } of [external, own]) {
      for (const headers of [{ 'Content-Length': '3' }, { 'Transfer-Encoding': 'chunked' }]) {
        const answer = await outcome(port, { headers });
        expect(answer.slice(0, 3)).toBe(implementation.differs('D3', { ws: '101', wsimd: '400' }));
      }
    }
  });

  it('handleUpgrade: Content-Length: 0 is no body', async () => {
    const { port } = await listen(implementation);
    expect(await outcome(port, { headers: { 'Content-Length': '0' } })).toBe('101');
  });

  it('handleUpgrade: more than 64 subprotocols or 16 offers on an own HTTP server are 400 (D8)', async () => {
    const { port } = await listen(implementation, { perMessageDeflate: true });
    const names = (count: number): string => Array.from({ length: count }, (_, i) => `p${i}`).join(', ');
    const expected = implementation.differs('D8', { ws: '101', wsimd: '400' });
    for (const [header, limit] of [
      ['Sec-WebSocket-Protocol', 64],
      ['Sec-WebSocket-Extensions', 16],
    ] as const) {
      expect((await outcome(port, { headers: { [header]: names(limit) } })).slice(0, 3), header).toBe('101');
      expect((await outcome(port, { headers: { [header]: names(limit + 1) } })).slice(0, 3), header).toBe(expected);
    }
  });

  it('handleUpgrade: offers with bad parameters alone (D7)', async () => {
    const { port } = await listen(implementation, { perMessageDeflate: true });
    const headers = (value: string): RawConnectOptions => ({ headers: { 'Sec-WebSocket-Extensions': value } });
    const expected = implementation.differs('D7', {
      ws: '400 Invalid or unacceptable Sec-WebSocket-Extensions header',
      wsimd: '101',
    });
    for (const parameters of [
      'server_max_window_bits=7',
      'server_max_window_bits=16',
      'server_max_window_bits',
      'client_max_window_bits=foo',
      'server_no_context_takeover=1',
      'unknown_parameter',
      'server_no_context_takeover; server_no_context_takeover',
    ]) {
      const peer = rawRequest(port, headers(`permessage-deflate; ${parameters}`));
      const head = await peer.readHead();
      const answer =
        head.slice(9, 12) === '101' ? '101' : `${head.slice(9, 12)} ${(await peer.readToEnd()).toString()}`;
      expect(answer, parameters).toBe(expected);
      expect(headerOf(head, 'sec-websocket-extensions'), parameters).toBeUndefined();
    }
  });

  it('handleUpgrade: a version that is not taken is answered with Sec-WebSocket-Version: 13, 8', async () => {
    const { port } = await listen(implementation);
    const answer = await refusal(port, { headers: { 'Sec-WebSocket-Version': '7' } });
    expect(headerOf(answer, 'sec-websocket-version')).toBe('13, 8');
    const other = await refusal(port, { headers: { 'Sec-WebSocket-Key': undefined } });
    expect(headerOf(other, 'sec-websocket-version')).toBeUndefined();
  });

  it('handleUpgrade: looks at method, Upgrade, key, version, shouldHandle, subprotocols, extensions, verifyClient in this order', async () => {
    const { port } = await listen(implementation, {
      perMessageDeflate: true,
      path: '/here',
      verifyClient: () => false,
    });
    const good = { ...ALL_WRONG };
    const seen: string[] = [];
    let requestLine = 'POST / HTTP/1.1';
    const look = async (): Promise<void> => void seen.push(await outcome(port, { requestLine, headers: good }));
    await look();
    requestLine = 'GET / HTTP/1.1';
    await look();
    good.Upgrade = 'websocket';
    await look();
    good['Sec-WebSocket-Key'] = 'dGhlIHNhbXBsZSBub25jZQ==';
    await look();
    good['Sec-WebSocket-Version'] = '13';
    await look();
    requestLine = 'GET /here HTTP/1.1';
    await look();
    good['Sec-WebSocket-Protocol'] = 'fine';
    await look();
    good['Sec-WebSocket-Extensions'] = 'permessage-deflate';
    await look();
    expect(seen).toEqual([
      '405 Invalid HTTP method',
      '400 Invalid Upgrade header',
      `400 ${KEY}`,
      `400 ${VERSION}`,
      '400 Bad Request',
      '400 Invalid Sec-WebSocket-Protocol header',
      '400 Invalid or unacceptable Sec-WebSocket-Extensions header',
      '401 Unauthorized',
    ]);
  });

  it('rejected handshake: has exactly the headers of ws, its message as the body, and the socket is destroyed', async () => {
    const { port } = await listen(implementation);
    const peer = rawRequest(port, { headers: { Upgrade: 'foo' }, endWithPeer: false });
    const answer = (await peer.readToEnd()).toString('latin1');
    expect(answer).toBe(
      [
        'HTTP/1.1 400 Bad Request',
        'Connection: close',
        'Content-Type: text/html',
        'Content-Length: 22',
        '',
        'Invalid Upgrade header',
      ].join('\r\n'),
    );
    // The peer has not ended its half: only a destroyed socket answers further writes with a reset.
    peer.socket.on('error', () => {});
    const kick = setInterval(() => peer.socket.write('x'), 5);
    await peer.closed;
    clearInterval(kick);
  });

  it('plain HTTP request on an internal server: is 426 with the text Upgrade Required', async () => {
    const { port } = await listen(implementation);
    const [response] = await event<[http.IncomingMessage]>(http.get(`http://127.0.0.1:${port}/any`), 'response');
    expect(response.statusCode).toBe(426);
    expect(await text(response)).toBe('Upgrade Required');
    expect(response.headers).toMatchObject({ 'content-type': 'text/plain', 'content-length': '16' });
  });

  it('request without Upgrade: is plain HTTP, not a handshake', async () => {
    const { port } = await listen(implementation);
    const peer = rawRequest(port, { headers: { Upgrade: undefined, Connection: 'close' } });
    expect(await peer.readHead()).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
  });

  it('socket errors: a reset while verifyClient is out does not crash and gives no connection', async () => {
    let admit: (() => void) | undefined;
    const { server, port } = await listen(implementation, {
      verifyClient: (info: { req: http.IncomingMessage }, callback: (verified: boolean) => void) => {
        admit = () => callback(true);
        server.emit('asked', info.req.socket);
      },
    });
    server.on('connection', () => expect.unreachable());
    const asked = event<[http.IncomingMessage['socket']]>(server, 'asked');
    const peer = rawRequest(port);
    const [socket] = await asked;
    const gone = event(socket, 'close');
    peer.reset();
    await gone;
    admit?.();
    expect(server.clients.size).toBe(0);
  });
});

const ALL_WRONG: Record<string, string | undefined> = {
  Upgrade: 'foo',
  'Sec-WebSocket-Key': 'short',
  'Sec-WebSocket-Version': '1',
  'Sec-WebSocket-Protocol': ',',
  'Sec-WebSocket-Extensions': ',',
};
