import { createHash } from 'node:crypto';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { writeDeflateOffer } from '../../src/extensions/permessage-deflate.js';
import { createRequest, judgeResponse, writeRequest, type Expectation } from '../../src/handshake/client.js';
import { RequestReader, ResponseReader } from '../../src/handshake/head-reader.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

const octets = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** What the client asks for, and the response it gets: `{accept}` stands for the right accept key. */
interface Row {
  readonly name: string;
  readonly line?: string;
  readonly fields?: Readonly<Record<string, string | string[] | null>>;
  readonly protocols?: string[];
  readonly deflate?: false | { clientMaxWindowBits?: number | false; clientNoContextTakeover?: false };
  /** The failure; undefined for an agreement. */
  readonly message: string | undefined;
  /** Where `ws`, or the parser of Node before it, says something else. */
  readonly ws?: string | RegExp | undefined;
}

const GOOD = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': '{accept}' };

const UPGRADE = 'Invalid Upgrade header';
const ACCEPT_FAULT = 'Invalid Sec-WebSocket-Accept header';
const NO_PROTOCOL_ASKED = 'Server sent a subprotocol but none was requested';
const OTHER_PROTOCOL = 'Server sent an invalid subprotocol';
const NO_PROTOCOL = 'Server sent no subprotocol';
const NO_EXTENSION_ASKED = 'Server sent a Sec-WebSocket-Extensions header but no extension was requested';
const BAD_EXTENSIONS = 'Invalid Sec-WebSocket-Extensions header';
const OTHER_EXTENSION = 'Server indicated an extension that was not requested';

const changes = (message: string | undefined, name: string, ...values: (string | string[])[]): Row[] =>
  values.map((value) => ({ name: `${name}: ${JSON.stringify(value)}`, fields: { [name]: value }, message }));

const EXTENSIONS = 'Sec-WebSocket-Extensions';
const PROTOCOL = 'Sec-WebSocket-Protocol';
const DEFLATE = 'permessage-deflate';

const ROWS: Row[] = [
  { name: 'the good response', message: undefined },
  { name: 'a reason of its own', line: 'HTTP/1.1 101 Yes', message: undefined },
  ...[200, 204, 301, 302, 304, 400, 401, 403, 404, 426, 500, 503].map((status) => ({
    name: `status ${status}`,
    line: `HTTP/1.1 ${status} x`,
    fields: { Connection: 'close', Upgrade: null, 'Content-Length': '0' },
    message: `Unexpected server response: ${status}`,
  })),

  ...changes(undefined, 'Upgrade', 'WebSocket', 'WEBSOCKET'),
  ...changes(UPGRADE, 'Upgrade', 'h2c', 'websockets', 'websocket, h2c', 'websocket/13', '"websocket"'),
  { name: 'no Upgrade', fields: { Upgrade: null }, message: UPGRADE, ws: 'Unexpected server response: 101' },
  { name: 'no Connection', fields: { Connection: null }, message: 'Invalid Connection header', ws: /101/ },
  { name: 'Connection: close', fields: { Connection: 'close' }, message: 'Invalid Connection header', ws: /101/ },
  ...changes(undefined, 'Connection', 'upgrade', 'keep-alive, Upgrade'),

  { name: 'no accept', fields: { 'Sec-WebSocket-Accept': null }, message: ACCEPT_FAULT },
  ...changes(ACCEPT_FAULT, 'Sec-WebSocket-Accept', '', 'x', '{accept}=', '{ACCEPT}', '"{accept}"', KEY),
  ...changes(ACCEPT_FAULT, 'Sec-WebSocket-Accept', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=', ['{accept}', '{accept}']),

  ...changes(NO_PROTOCOL_ASKED, PROTOCOL, 'chat', '', ','),
  { name: 'no subprotocol', protocols: ['chat'], message: NO_PROTOCOL },
  ...['chat', 'superchat'].map((protocol) => ({
    name: `chooses ${protocol}`,
    protocols: ['chat', 'superchat'],
    fields: { [PROTOCOL]: protocol },
    message: undefined,
  })),
  ...['other', 'Chat', '', 'chat, superchat', 'chat,', '"chat"', ['chat', 'chat']].map((protocol) => ({
    name: `chooses ${JSON.stringify(protocol)}`,
    protocols: ['chat', 'superchat'],
    fields: { [PROTOCOL]: protocol },
    message: OTHER_PROTOCOL,
  })),

  ...['x', DEFLATE, '', ';'].map((extension) => ({
    name: `extension ${extension} where none was asked for`,
    deflate: false as const,
    fields: { [EXTENSIONS]: extension },
    message: NO_EXTENSION_ASKED,
  })),
  ...changes(undefined, EXTENSIONS, DEFLATE, `${DEFLATE}; server_no_context_takeover; client_no_context_takeover`),
  ...changes(undefined, EXTENSIONS, `${DEFLATE}; server_max_window_bits=8; client_max_window_bits="15"`),
  ...changes(OTHER_EXTENSION, EXTENSIONS, 'x', `x, ${DEFLATE}`, `${DEFLATE}, x`, [DEFLATE, 'x'], 'Permessage-Deflate'),
  ...changes(OTHER_EXTENSION, EXTENSIONS, '__proto__', 'constructor; a=1'),
  ...changes(BAD_EXTENSIONS, EXTENSIONS, '', ',', `${DEFLATE};`, `${DEFLATE},`, `${DEFLATE}; a=`, `${DEFLATE}; a="`),
  ...changes(
    BAD_EXTENSIONS,
    EXTENSIONS,
    `${DEFLATE}; x`,
    `${DEFLATE}; __proto__`,
    `${DEFLATE}; client_max_window_bits`,
  ),
  ...changes(
    BAD_EXTENSIONS,
    EXTENSIONS,
    `${DEFLATE}; server_max_window_bits`,
    `${DEFLATE}; server_max_window_bits=1000`,
  ),
  ...changes(BAD_EXTENSIONS, EXTENSIONS, `${DEFLATE}; server_no_context_takeover=1`),
  ...changes(BAD_EXTENSIONS, EXTENSIONS, `${DEFLATE}; server_max_window_bits=9; server_max_window_bits=9`),
  ...changes(BAD_EXTENSIONS, EXTENSIONS, `${DEFLATE}; server_max_window_bits=09`, `${DEFLATE}, ${DEFLATE}`).map(
    (row) => ({
      ...row,
      ws: undefined,
    }),
  ),
  {
    name: 'a client window above the one offered',
    deflate: { clientMaxWindowBits: 10 },
    fields: { [EXTENSIONS]: `${DEFLATE}; client_max_window_bits=11` },
    message: BAD_EXTENSIONS,
  },
  {
    name: 'a client window where none may be set',
    deflate: { clientMaxWindowBits: false },
    fields: { [EXTENSIONS]: `${DEFLATE}; client_max_window_bits=15` },
    message: BAD_EXTENSIONS,
  },
  {
    name: 'no client context where it is wanted',
    deflate: { clientNoContextTakeover: false },
    fields: { [EXTENSIONS]: `${DEFLATE}; client_no_context_takeover` },
    message: BAD_EXTENSIONS,
  },
];

function write({ line = 'HTTP/1.1 101 Switching Protocols', fields = {} }: Row, accept: string): string {
  const lines = Object.entries<string | string[] | null>({ ...GOOD, ...fields }).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((each) => `${name}: ${each}`),
  );
  const head = `${[line, ...lines].join('\r\n')}\r\n\r\n`;
  return head.replaceAll('{accept}', accept).replaceAll('{ACCEPT}', accept.toUpperCase());
}

function expectationOf({ protocols, deflate = {} }: Row): Expectation {
  return { key: KEY, protocols, deflate: deflate === false ? undefined : deflate };
}

function judge(row: Row, chunks: readonly Uint8Array[]): string | undefined {
  const reader = new ResponseReader();
  for (const chunk of chunks) {
    const { head, error } = reader.push(chunk);
    if (error !== undefined) return error.message;
    if (head === undefined) continue;
    const judged = judgeResponse(head, expectationOf(row));
    return judged.agreed ? undefined : judged.message;
  }
  return 'no whole head';
}

describe('RFC 6455 4.1 the client judges a response', () => {
  let server: Server;
  let current: Row = ROWS[0];
  let requested = '';

  beforeAll(async () => {
    server = createServer((socket) => {
      socket.setEncoding('latin1');
      socket.on('error', () => undefined);
      let text = '';
      socket.on('data', (chunk: string) => {
        text += chunk;
        if (!text.endsWith('\r\n\r\n')) return;
        requested = text;
        const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(text)?.[1] ?? '';
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
        socket.write(write(current, accept), 'latin1');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => {
    server.close();
  });

  /** The failure of a client of `ws` that gets the row's response, or undefined when it opens. */
  function askWs(row: Row): Promise<string | undefined> {
    current = row;
    return new Promise((resolve) => {
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const client = new WebSocket(url, row.protocols ?? [], { perMessageDeflate: row.deflate ?? true } as object);
      client.on('open', () => {
        resolve(undefined);
        client.terminate();
      });
      client.on('error', (error) => resolve(error.message));
    });
  }

  test('4.1 the table holds at least 60 malformed responses', () => {
    expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
    expect(ROWS.filter(({ message }) => message !== undefined).length).toBeGreaterThanOrEqual(60);
  });

  test('C15 every response is judged the same whole, octet by octet and cut at every place', () => {
    for (const row of ROWS) {
      const wire = octets(write(row, ACCEPT));
      expect({ name: row.name, message: judge(row, [wire]) }).toEqual({ name: row.name, message: row.message });
      expect(
        judge(
          row,
          Array.from(wire, (octet) => Uint8Array.of(octet)),
        ),
      ).toBe(row.message);
      for (let cut = 0; cut <= wire.length; cut++) {
        if (judge(row, [wire.subarray(0, cut), wire.subarray(cut)]) !== row.message) throw new Error(`cut at ${cut}`);
      }
    }
  });

  test('C15 every failure has the text of ws, but for the deviations', async () => {
    for (const row of ROWS) {
      const theirs = await askWs(row);
      const wanted = 'ws' in row ? row.ws : row.message;
      if (wanted instanceof RegExp) expect(theirs, row.name).toMatch(wanted);
      else expect({ name: row.name, message: theirs }).toEqual({ name: row.name, message: wanted });
    }
  });

  test('4.1 an agreement names the subprotocol and what was agreed about compression', () => {
    const row: Row = {
      name: 'agreement',
      protocols: ['a', 'b'],
      fields: { [PROTOCOL]: 'b', [EXTENSIONS]: `${DEFLATE}; server_max_window_bits=9; client_no_context_takeover` },
      message: undefined,
    };
    const { head } = new ResponseReader().push(octets(write(row, ACCEPT)));
    if (head === undefined) throw new Error('no head');
    expect(judgeResponse(head, { ...expectationOf(row), deflate: { clientMaxWindowBits: 12 } })).toEqual({
      agreed: true,
      protocol: 'b',
      deflate: {
        serverNoContextTakeover: false,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 9,
        clientMaxWindowBits: 12,
      },
    });
    const { head: plain } = new ResponseReader().push(octets(write({ name: '', message: undefined }, ACCEPT)));
    if (plain === undefined) throw new Error('no head');
    expect(judgeResponse(plain, { key: KEY })).toEqual({ agreed: true, protocol: '', deflate: undefined });
  });

  test('C01 a response without any field fails, and nothing throws', () => {
    expect(judgeResponse({ headers: {} }, { key: KEY })).toMatchObject({ agreed: false });
    expect(judgeResponse({ statusCode: 101, headers: {} }, { key: KEY })).toEqual({ agreed: false, message: UPGRADE });
  });

  test.each([
    ['plain', { perMessageDeflate: false }, {}],
    ['with everything', { origin: 'https://a', headers: { 'X-One': '1', Cookie: 'a=b' } }, { protocols: ['a', 'b'] }],
    ['version 8', { origin: 'https://a', protocolVersion: 8 }, {}],
    [
      'with a handshake field of the caller',
      { headers: { 'sec-websocket-key': 'x', upgrade: 'y', Z: ['1', '2'] } },
      {},
    ],
  ] as const)(
    '4.1 the request has the fields of ws in its order: %s',
    async (_, options, { protocols = [] }: { protocols?: readonly string[] }) => {
      current = { name: '', message: undefined, fields: protocols.length > 0 ? { [PROTOCOL]: 'a' } : {} };
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      await new Promise<void>((resolve, reject) => {
        const client = new WebSocket(url, [...protocols], options as object);
        client.on('error', reject);
        client.on('open', () => {
          client.terminate();
          resolve();
        });
      });
      const { head: theirs } = new RequestReader().push(octets(requested));
      const wanted: { origin?: string; headers?: Record<string, string | string[]>; protocolVersion?: number } = {
        ...(options as object),
      };
      const list = createRequest({
        key: theirs?.headers['sec-websocket-key'] as string,
        version: wanted.protocolVersion,
        protocols,
        origin: wanted.origin,
        headers: wanted.headers,
        extensions: 'perMessageDeflate' in options ? undefined : writeDeflateOffer({}),
      });
      expect([...list.flat(), 'Host', theirs?.headers.host]).toEqual(theirs?.rawHeaders);
    },
  );
});

describe('RFC 6455 4.1 what the client writes', () => {
  test('a field that is undefined is left out, one of several values is written once for each', () => {
    const names = createRequest({ key: KEY, headers: { 'X-A': undefined, 'X-B': ['1', '2'], 'X-C': 3 } });
    expect(names.slice(0, 3)).toEqual([
      ['X-B', '1'],
      ['X-B', '2'],
      ['X-C', '3'],
    ]);
  });

  test('4.1 a request that a server accepts', () => {
    expect(writeRequest('/chat?a=b', 'example.com:8080', createRequest({ key: KEY, origin: 'https://a' }))).toBe(
      'GET /chat?a=b HTTP/1.1\r\nHost: example.com:8080\r\nSec-WebSocket-Version: 13\r\n' +
        `Sec-WebSocket-Key: ${KEY}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://a\r\n\r\n`,
    );
  });

  test('C09 no octet of a string of the caller can leave its field, at any place', () => {
    const attempts: [name: string, write: (text: string) => string][] = [
      ['origin', (text) => writeRequest('/', 'a', createRequest({ key: KEY, origin: text }))],
      ['value', (text) => writeRequest('/', 'a', createRequest({ key: KEY, headers: { 'X-A': text } }))],
      ['name', (text) => writeRequest('/', 'a', createRequest({ key: KEY, headers: { [text]: 'a' } }))],
      ['extensions', (text) => writeRequest('/', 'a', createRequest({ key: KEY, extensions: text }))],
      ['protocol', (text) => writeRequest('/', 'a', createRequest({ key: KEY, protocols: [text] }))],
      ['host', (text) => writeRequest('/', text, createRequest({ key: KEY, headers: { 'X-A': 'b' } }))],
      ['target', (text) => writeRequest(text, 'a', createRequest({ key: KEY, headers: { 'X-A': 'b' } }))],
    ];
    for (const [name, attempt] of attempts) {
      const lines = attempt('abc').split('\r\n').length;
      for (let code = 0; code < 256; code++) {
        const character = String.fromCharCode(code);
        for (const text of [`${character}bc`, `a${character}c`, `ab${character}`]) {
          try {
            const head = attempt(text);
            expect(head.split(/\r\n|[\r\n\0]/).length, `${name} ${JSON.stringify(text)}`).toBe(lines);
          } catch (error) {
            if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error;
          }
        }
      }
      for (const bad of ['\r', '\n', '\0', '\r\n', '\r\nA: b']) expect(() => attempt(`ab${bad}`)).toThrow();
    }
  });

  test('4.1 mistakes of the caller throw, in the words of ws', () => {
    const unsupported = 'Unsupported protocol version: 12 (supported versions: 8, 13)';
    expect(() => createRequest({ key: KEY, version: 12 })).toThrow(new RangeError(unsupported));
    const invalid = new SyntaxError('An invalid or duplicated subprotocol was specified');
    for (const protocols of [['a', 'a'], [''], ['a b'], ['a,b'], [1 as unknown as string]]) {
      expect(() => createRequest({ key: KEY, protocols })).toThrow(invalid);
    }
    expect(() => createRequest({ key: 'x' })).toThrow(TypeError);
  });
});
