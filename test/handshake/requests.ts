// Opening handshakes as a client might write them, and what a server answers to each.
import { joinHead } from '../../src/handshake/field.js';
import { RequestReader, type RequestHead } from '../../src/handshake/head-reader.js';
import { acceptanceLines, judgeRequest, writeRefusal, type HandshakeRequest } from '../../src/handshake/server.js';

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** The fields of a good request; a row changes some, repeats some (array) or leaves some out (null). */
export const GOOD: Readonly<Record<string, string>> = {
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

export const ROWS: Row[] = [
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
  ...changes('Sec-WebSocket-Key', 101, 'dGhlIHNhbXBsZSBub25jZR==', 'AQIDBAUGBwgJCgsMDQ4PEC=='),

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
  { name: 'an empty Host', fields: { Host: '' }, plain: 101 },
  { name: 'two Hosts', fields: { Host: ['a', 'b'] }, plain: HOST, ws: 101 },

  ...changes('Content-Length', 101, '0', '00'),
  ...changes('Content-Length', BODY, '5', '10', '05').map((row) => ({ ...row, ws: 101 })),
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

export function write({ line = 'GET / HTTP/1.1', fields = {} }: Pick<Row, 'line' | 'fields'>): string {
  const lines = Object.entries<string | string[] | null>({ ...GOOD, ...fields }).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((each) => `${name}: ${each}`),
  );
  return `${[line, ...lines].join('\r\n')}\r\n\r\n`;
}

export function answer(request: HandshakeRequest, strict: boolean): string {
  const judged = judgeRequest(request, { strict, extensions: true });
  if (!judged.accepted) return writeRefusal(judged.status, judged.message, judged.headers);
  const [protocol] = judged.protocols;
  return joinHead(acceptanceLines({ key: judged.key, protocol }));
}

export const statusOf = (response: string): number => Number(response.slice(9, 12));

export function expected(row: Row, wanted: Answer): object {
  if (wanted === 101) return { name: row.name, status: 101, body: '' };
  return { name: row.name, status: wanted[0], body: wanted[1] };
}

export function seen(row: Row, response: string): object {
  return { name: row.name, status: statusOf(response), body: response.slice(response.indexOf('\r\n\r\n') + 4) };
}

export function read(text: string): RequestHead {
  const { head } = new RequestReader().push(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  if (head === undefined) throw new Error(`not a whole head: ${text}`);
  return head;
}
