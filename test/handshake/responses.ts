// Answers to an opening handshake as a server might write them, and what a client makes of each.
import type { Expectation } from '../../src/handshake/client.js';

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

export const octets = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** What the client asks for, and the response it gets: `{accept}` stands for the right accept key. */
export interface Row {
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

export const UPGRADE = 'Invalid Upgrade header';
const ACCEPT_FAULT = 'Invalid Sec-WebSocket-Accept header';
const NO_PROTOCOL_ASKED = 'Server sent a subprotocol but none was requested';
const OTHER_PROTOCOL = 'Server sent an invalid subprotocol';
const NO_PROTOCOL = 'Server sent no subprotocol';
const NO_EXTENSION_ASKED = 'Server sent a Sec-WebSocket-Extensions header but no extension was requested';
const BAD_EXTENSIONS = 'Invalid Sec-WebSocket-Extensions header';
const OTHER_EXTENSION = 'Server indicated an extension that was not requested';

const changes = (message: string | undefined, name: string, ...values: (string | string[])[]): Row[] =>
  values.map((value) => ({ name: `${name}: ${JSON.stringify(value)}`, fields: { [name]: value }, message }));

export const EXTENSIONS = 'Sec-WebSocket-Extensions';
export const PROTOCOL = 'Sec-WebSocket-Protocol';
export const DEFLATE = 'permessage-deflate';

export const ROWS: Row[] = [
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

export function write({ line = 'HTTP/1.1 101 Switching Protocols', fields = {} }: Row, accept: string): string {
  const lines = Object.entries<string | string[] | null>({ ...GOOD, ...fields }).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((each) => `${name}: ${each}`),
  );
  const head = `${[line, ...lines].join('\r\n')}\r\n\r\n`;
  return head.replaceAll('{accept}', accept).replaceAll('{ACCEPT}', accept.toUpperCase());
}

export function expectationOf({ protocols, deflate = {} }: Row): Expectation {
  return { key: KEY, protocols, deflate: deflate === false ? undefined : deflate };
}
