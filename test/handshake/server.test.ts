import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { joinHead } from '../../src/handshake/field.js';
import { RequestReader, type RequestHead } from '../../src/handshake/head-reader.js';
import {
  acceptanceLines,
  judgeOffers,
  judgeOpening,
  judgeRequest,
  writeRefusal,
  type HandshakeRequest,
} from '../../src/handshake/server.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** The fields of a good request; a row changes some, repeats some (array) or leaves some out (null). */
const GOOD: Readonly<Record<string, string>> = {
  Host: 'localhost',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Key': KEY,
  'Sec-WebSocket-Version': '13',
};

interface Row {
  readonly name: string;
  readonly line?: string;
  readonly fields?: Readonly<Record<string, string | string[] | null>>;
  /** Status and message, for a server that looks at what `ws` looks at, and for a strict one; 101 without a message. */
  readonly plain: Answer;
  readonly strict?: Answer;
  /** Where `ws` answers otherwise: its status. */
  readonly ws?: number;
}

type Answer = 101 | readonly [status: number, message: string];

const METHOD: Answer = [405, 'Invalid HTTP method'];
const UPGRADE: Answer = [400, 'Invalid Upgrade header'];
const BAD_KEY: Answer = [400, 'Missing or invalid Sec-WebSocket-Key header'];
const VERSION: Answer = [400, 'Missing or invalid Sec-WebSocket-Version header'];
const PROTOCOL: Answer = [400, 'Invalid Sec-WebSocket-Protocol header'];
const EXTENSIONS: Answer = [400, 'Invalid or unacceptable Sec-WebSocket-Extensions header'];
const HTTP_VERSION: Answer = [400, 'Invalid HTTP version'];
const HOST: Answer = [400, 'Missing or invalid Host header'];
const BODY: Answer = [400, 'Request must not have a body'];

const changes = (name: string, plain: Answer, ...values: (string | string[] | null)[]): Row[] =>
  values.map((value) => ({ name: `${name}: ${JSON.stringify(value)}`, fields: { [name]: value }, plain }));

const protocols = (count: number): string => Array.from({ length: count }, (_, at) => `p${at}`).join(', ');

const ROWS: Row[] = [
  { name: 'the good request', plain: 101 },
  { name: 'a query', line: 'GET /chat?x=1 HTTP/1.1', plain: 101 },
  ...['POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS'].map((method) => ({
    name: method,
    line: `${method} / HTTP/1.1`,
    plain: METHOD,
  })),
  { name: 'HTTP/1.0', line: 'GET / HTTP/1.0', plain: 101, strict: HTTP_VERSION },
  { name: 'POST before a bad key', line: 'POST / HTTP/1.1', fields: { 'Sec-WebSocket-Key': 'x' }, plain: METHOD },

  ...changes('Upgrade', 101, 'WebSocket', 'WEBSOCKET'),
  ...changes('Upgrade', UPGRADE, 'h2c', 'websockets', 'websocket/13', 'web socket', '"websocket"'),
  { name: 'an Upgrade list', fields: { Upgrade: 'h2c, websocket' }, plain: UPGRADE, strict: 101 },
  ...changes('Connection', 101, 'upgrade', 'keep-alive, Upgrade', 'UPGRADE'),

  ...changes('Sec-WebSocket-Key', BAD_KEY, null, '', 'x', 'dGhlIHNhbXBsZSBub25jZQ', 'dGhlIHNhbXBsZSBub25jZQ='),
  ...changes('Sec-WebSocket-Key', BAD_KEY, `${KEY}=`, 'dGhlIHNhbXBsZSBub25jZQQ=', 'dGhlIHNhbXBsZSBub25j-_==', [
    KEY,
    KEY,
  ]),
  ...changes('Sec-WebSocket-Key', BAD_KEY, '"dGhlIHNhbXBsZSBub25jZQ=="'),
  {
    name: 'a key that is not canonical',
    fields: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZR==' },
    plain: 101,
    strict: BAD_KEY,
  },

  ...changes('Sec-WebSocket-Version', 101, '8'),
  ...changes(
    'Sec-WebSocket-Version',
    VERSION,
    null,
    '',
    '0',
    '7',
    '12',
    '14',
    '25',
    'x',
    '13, 8',
    '-13',
    ['13', '13'],
    '13;',
  ),
  ...['13.0', '013', '+13', '0xd', '1.3e1', '8.'].map((version) => ({
    name: `version ${version}`,
    fields: { 'Sec-WebSocket-Version': version },
    plain: 101 as const,
    strict: VERSION,
  })),

  { name: 'no Host', fields: { Host: null }, plain: 101, strict: HOST },
  { name: 'two Hosts', fields: { Host: ['a', 'b'] }, plain: 101, strict: HOST },

  ...changes('Content-Length', 101, '0', '00'),
  ...changes('Content-Length', BODY, '5').map((row) => ({ ...row, ws: 101 })),
  ...changes('Transfer-Encoding', BODY, 'chunked').map((row) => ({ ...row, ws: 101 })),

  ...changes(
    'Sec-WebSocket-Protocol',
    101,
    'chat',
    'chat, superchat',
    'chat,superchat',
    ['chat', 'superchat'],
    protocols(64),
  ),
  ...changes('Sec-WebSocket-Protocol', PROTOCOL, '', ',', 'chat,', ',chat', 'a,,b', 'a b', 'a;b', 'a/b', '"chat"', 'é'),
  ...changes('Sec-WebSocket-Protocol', PROTOCOL, 'chat, chat', ['chat', 'chat']),
  ...changes('Sec-WebSocket-Protocol', PROTOCOL, protocols(65)).map((row) => ({
    ...row,
    name: '65 subprotocols',
    ws: 101,
  })),

  ...changes('Sec-WebSocket-Extensions', 101, 'x', 'x; y=1, z; w="1"'),
  ...changes('Sec-WebSocket-Extensions', 101, Array(16).fill('x').join(', '), '__proto__; constructor=1'),
  ...changes(
    'Sec-WebSocket-Extensions',
    EXTENSIONS,
    '',
    ',',
    ';',
    'x;',
    'x;y=',
    'x;y="',
    'x;y=""',
    'x y',
    'x; é=1',
    'x;y=\t',
  ),
  ...changes('Sec-WebSocket-Extensions', EXTENSIONS, Array(17).fill('x').join()).map((row) => ({ ...row, ws: 101 })),
];

function write({ line = 'GET / HTTP/1.1', fields = {} }: Pick<Row, 'line' | 'fields'>): string {
  const lines = Object.entries<string | string[] | null>({ ...GOOD, ...fields }).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((each) => `${name}: ${each}`),
  );
  return `${[line, ...lines].join('\r\n')}\r\n\r\n`;
}

function answer(request: HandshakeRequest, strict: boolean): string {
  const judged = judgeRequest(request, { strict, extensions: true });
  if (!judged.accepted) return writeRefusal(judged.status, judged.message, judged.headers);
  const [protocol] = judged.protocols;
  return joinHead(acceptanceLines({ key: judged.key, protocol }));
}

/** Sends the text, and reads until the peer ends or a 101 is complete. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (received.startsWith('HTTP/1.1 101') && received.endsWith('\r\n\r\n')) socket.end();
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
}

const statusOf = (response: string): number => Number(response.slice(9, 12));

function expected(row: Row, wanted: Answer): object {
  if (wanted === 101) return { name: row.name, status: 101, body: '' };
  return { name: row.name, status: wanted[0], body: wanted[1] };
}

function seen(row: Row, response: string): object {
  return { name: row.name, status: statusOf(response), body: response.slice(response.indexOf('\r\n\r\n') + 4) };
}

function read(text: string): RequestHead {
  const { head } = new RequestReader().push(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  if (head === undefined) throw new Error(`not a whole head: ${text}`);
  return head;
}

describe('RFC 6455 4.2 the server judges a request', () => {
  const requests: IncomingMessage[] = [];
  let ours: Server;
  let theirs: WebSocketServer;

  const portOf = (server: { address(): AddressInfo | string | null }): number => (server.address() as AddressInfo).port;

  beforeAll(async () => {
    ours = createServer();
    ours.on('upgrade', (request: IncomingMessage, socket) => {
      requests.push(request);
      socket.end(answer(request, false));
    });
    theirs = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
    ours.listen(0, '127.0.0.1');
    await Promise.all([ours, theirs].map((server) => new Promise((resolve) => server.once('listening', resolve))));
  });

  afterAll(() => {
    ours.close();
    theirs.close();
    for (const client of theirs.clients) client.terminate();
  });

  test('4.2.1 the table holds at least 60 requests', () => {
    expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
    expect(ROWS.length).toBeGreaterThanOrEqual(60);
  });

  test('C07 through the parser of Node, every answer is that of ws to the octet, but for the deviations', async () => {
    for (const row of ROWS) {
      const text = write(row);
      const response = await exchange(portOf(ours), text);
      const peer = await exchange(portOf(theirs), text);
      expect(seen(row, response)).toEqual(expected(row, row.plain));
      if (row.ws === undefined) expect({ name: row.name, peer }).toEqual({ name: row.name, peer: response });
      else expect({ name: row.name, status: statusOf(peer) }).toEqual({ name: row.name, status: row.ws });
    }
  });

  test('C07 strict, through the parser of Node, and through ours in both modes', () => {
    expect(requests).toHaveLength(ROWS.length);
    for (const [index, row] of ROWS.entries()) {
      const strict = row.strict ?? row.plain;
      expect(seen(row, answer(requests[index], true))).toEqual(expected(row, strict));
      const head = read(write(row));
      expect(seen(row, answer(head, true))).toEqual(expected(row, strict));
      expect(seen(row, answer(head, false))).toEqual(expected(row, row.plain));
    }
  });

  test('4.2.1 an Upgrade field without a value, which Node does not take for one, is refused', () => {
    const head = read(write({ fields: { Upgrade: '' } }));
    for (const strict of [true, false]) expect(answer(head, strict)).toContain('Invalid Upgrade header');
  });

  test('4.2.1 strict demands a Connection field that lists upgrade', () => {
    for (const value of ['close', 'keep-alive', 'upgrades', '']) {
      const head = read(write({ fields: { Connection: value } }));
      expect(answer(head, true)).toContain('Invalid Connection header');
      expect(answer(head, false)).toContain(' 101 ');
    }
  });

  test('C01 any field may be missing, and nothing throws', () => {
    for (const name of Object.keys(GOOD)) {
      const head = read(write({ fields: { [name]: null } }));
      for (const strict of [true, false]) expect(() => judgeRequest(head, { strict, extensions: true })).not.toThrow();
    }
    for (const strict of [true, false]) {
      expect(judgeRequest({ headers: {} }, { strict })).toMatchObject({ status: 405 });
      expect(judgeRequest({ method: 'GET', headers: {} }, { strict })).toMatchObject({ status: 400 });
    }
  });

  test('a hand-made request without raw headers and with a number as version is accepted', () => {
    const request = {
      method: 'GET',
      headers: { upgrade: 'websocket', connection: 'upgrade', 'sec-websocket-version': 13, 'sec-websocket-key': KEY },
    };
    expect(judgeRequest(request)).toEqual({
      accepted: true,
      key: KEY,
      version: 13,
      origin: undefined,
      protocols: new Set(),
      offers: [],
    });
  });

  test('4.2.1 the Host of a hand-made request is counted in its fields when strict', () => {
    const headers = {
      upgrade: 'websocket',
      connection: 'upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': KEY,
    };
    expect(judgeRequest({ method: 'GET', httpVersion: '1.1', headers }, { strict: true })).toMatchObject({
      status: 400,
    });
    const named = { method: 'GET', httpVersion: '1.1', headers: { ...headers, host: 'a' } };
    expect(judgeRequest(named, { strict: true })).toMatchObject({ accepted: true });
  });

  test('11.3.2 an unreadable extensions header matters only where extensions are read', () => {
    const head = read(write({ fields: { 'Sec-WebSocket-Extensions': ';' } }));
    expect(judgeRequest(head)).toMatchObject({ accepted: true, offers: [] });
    expect(judgeRequest(head, { extensions: true })).toMatchObject({ accepted: false, status: 400 });
  });

  test('11.3.2 offers, subprotocols and the origin are handed on', () => {
    const fields = { 'Sec-WebSocket-Extensions': 'x; y=1, z', 'Sec-WebSocket-Protocol': 'a, b', Origin: 'https://a' };
    const head = read(write({ fields }));
    expect(judgeRequest(head, { extensions: true })).toEqual({
      accepted: true,
      key: KEY,
      version: 13,
      origin: 'https://a',
      protocols: new Set(['a', 'b']),
      offers: [
        { name: 'x', params: [{ name: 'y', value: '1' }] },
        { name: 'z', params: [] },
      ],
    });
  });

  test('version 8 names the origin Sec-WebSocket-Origin', () => {
    const fields = { 'Sec-WebSocket-Version': '8', Origin: 'https://a', 'Sec-WebSocket-Origin': 'https://b' };
    expect(judgeRequest(read(write({ fields })))).toMatchObject({ version: 8, origin: 'https://b' });
  });

  test('the two halves make the whole', () => {
    const head = read(write({ fields: { 'Sec-WebSocket-Protocol': 'a,,b' } }));
    const opening = judgeOpening(head);
    if (!opening.accepted) throw new Error(opening.message);
    expect(judgeOffers(head, opening)).toEqual(judgeRequest(head));
  });
});

describe('C05 values that no client should send', () => {
  const names = ['upgrade', 'connection', 'host', 'origin', 'sec-websocket-key', 'sec-websocket-version'];
  names.push('sec-websocket-protocol', 'sec-websocket-extensions', 'sec-websocket-origin', '__proto__');
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('websocket', KEY, '13', '8', 'a, b', 'x; y="', '\0', '\r\n'),
  );
  const value = fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.integer(), fc.constant(undefined));
  const headers = fc.dictionary(fc.constantFrom(...names), value);
  const rawHeaders = fc.option(
    fc.array(fc.tuple(text, text)).map((pairs) => pairs.flat()),
    { nil: undefined },
  );

  test('C05 are judged without throwing, and the answer is one whole head', () => {
    fc.assert(
      fc.property(headers, rawHeaders, fc.boolean(), (fields, raw, strict) => {
        const good = { upgrade: 'websocket', 'sec-websocket-key': KEY, 'sec-websocket-version': '13' };
        for (const each of [fields, { ...good, ...fields }]) {
          const head = answer({ method: 'GET', httpVersion: '1.1', headers: each, rawHeaders: raw }, strict);
          expect(head).toMatch(/^HTTP\/1\.1 (101|400) [ -~]+(\r\n[ -~]+)+\r\n\r\n[ -~]*$/);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('RFC 6455 4.2.2 what the server writes', () => {
  test('4.2.2 the lines of an acceptance, in the order of ws', () => {
    expect(acceptanceLines({ key: KEY, protocol: 'chat', extensions: 'permessage-deflate' })).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${ACCEPT}`,
      'Sec-WebSocket-Protocol: chat',
      'Sec-WebSocket-Extensions: permessage-deflate',
    ]);
    expect(acceptanceLines({ key: KEY })).toHaveLength(4);
    expect(acceptanceLines({ key: KEY, protocol: '' })).toHaveLength(4);
  });

  test('C09 no octet of a subprotocol can leave its field, at any place', () => {
    for (let code = 0; code < 256; code++) {
      const character = String.fromCharCode(code);
      for (const protocol of [`${character}bc`, `a${character}c`, `ab${character}`]) {
        const isToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(protocol) && !protocol.endsWith('\n');
        if (isToken) expect(acceptanceLines({ key: KEY, protocol })).toHaveLength(5);
        else expect(() => acceptanceLines({ key: KEY, protocol })).toThrow(TypeError);
      }
    }
  });

  test('a refusal has a body, its length in octets, and says that the connection ends', () => {
    expect(writeRefusal(401)).toBe(
      'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\nUnauthorized',
    );
    expect(writeRefusal(400, 'é€')).toContain('Content-Length: 5\r\n\r\né€');
    expect(writeRefusal(599)).toBe(
      'HTTP/1.1 599 \r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n',
    );
  });

  test('fields of a refusal come after ours or, when they are the same, instead of them', () => {
    expect(
      writeRefusal(401, 'x', { 'content-type': 'text/plain', 'WWW-Authenticate': 'Basic', 'X-List': ['a', 'b'] }),
    ).toBe(
      'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\ncontent-type: text/plain\r\nContent-Length: 1\r\n' +
        'WWW-Authenticate: Basic\r\nX-List: a,b\r\n\r\nx',
    );
  });

  test('C09 a refusal cannot be split by its fields', () => {
    for (const character of ['\r', '\n', '\0', '\r\n']) {
      expect(() => writeRefusal(401, '', { [`A${character}`]: 'b' })).toThrow(TypeError);
      expect(() => writeRefusal(401, '', { A: `b${character}C: d` })).toThrow(TypeError);
    }
    for (const status of [0, 101, 199, 1000, 400.5, NaN]) expect(() => writeRefusal(status)).toThrow(RangeError);
  });
});
