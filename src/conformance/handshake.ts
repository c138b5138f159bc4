// `buildRequest` and `buildResponse` write the examiner's opening handshake (RFC 6455 4), which a case may change.

import { createHash, randomBytes } from 'node:crypto';
import type { HandshakeHeader, RequestShape, ResponseShape } from './case.js';

type Line = [name: string, value: string];

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const PROTOCOL = 'Sec-WebSocket-Protocol';
const END = Buffer.from('\r\n\r\n');

/** The longest header that the examiner reads, in bytes. */
export const MAX_HEADER: number = 64 * 1024;

/** The server under test, as requests address it. */
export interface Target {
  path: string;
  host: string;
  /** The subprotocols to offer. */
  protocols: readonly string[];
  /** Header lines to add; they replace the usual lines of the same names. */
  lines: readonly Line[];
}

/** A new random Sec-WebSocket-Key. */
export function createKey(): string {
  return randomBytes(16).toString('base64');
}

/** The Sec-WebSocket-Accept for a key (RFC 6455 4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

/** Applies the changes of a case to header lines. */
function bend(lines: Line[], shape: { without?: string[]; lines?: readonly Line[] }): Line[] {
  const gone = new Set(shape.without ?? []);
  for (const [name] of shape.lines ?? []) gone.add(name.toLowerCase());
  return [...lines.filter(([name]) => !gone.has(name.toLowerCase())), ...(shape.lines ?? [])];
}

function block(startLine: string, lines: Line[]): Buffer {
  return Buffer.from(
    `${[startLine, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`,
    'latin1',
  );
}

/** The request to a server, with the changes of a case. */
export function buildRequest(
  target: Target & { key: string; agent: string; extensions: string | null },
  shape: RequestShape,
): Buffer {
  if (shape.raw !== undefined) return shape.raw;
  const lines: Line[] = [
    ['User-Agent', target.agent],
    ['Host', target.host],
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Key', target.key],
    ['Sec-WebSocket-Version', '13'],
  ];
  if (target.extensions !== null) lines.push(['Sec-WebSocket-Extensions', target.extensions]);
  if (target.protocols.length > 0) lines.push([PROTOCOL, target.protocols.join(', ')]);
  const startLine = `${shape.method ?? 'GET'} ${target.path} ${shape.version ?? 'HTTP/1.1'}`;
  return Buffer.concat([block(startLine, bend(bend(lines, target), shape)), shape.body ?? Buffer.alloc(0)]);
}

/** The response to a client, with the changes of a case. */
export function buildResponse(
  answer: { key: string; agent: string; extensions: string | null; protocol?: string | undefined },
  shape: ResponseShape,
): Buffer {
  if (shape.raw !== undefined) return shape.raw;
  const lines: Line[] = [
    ['Server', answer.agent],
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Accept', acceptOf(answer.key)],
  ];
  if (answer.extensions !== null) lines.push(['Sec-WebSocket-Extensions', answer.extensions]);
  if (answer.protocol !== undefined) lines.push([PROTOCOL, answer.protocol]);
  return block(shape.statusLine ?? 'HTTP/1.1 101 Switching Protocols', bend(lines, shape));
}

/** An HTTP response that refuses a request; its body is one sentence. */
export function refuse(status: 400 | 403 | 404 | 500 | 503, sentence: string): Buffer {
  const reasons = {
    400: 'Bad Request',
    403: 'Forbidden',
    404: 'Not Found',
    500: 'Internal Server Error',
    503: 'Service Unavailable',
  };
  const body = Buffer.from(`${sentence}\n`);
  return Buffer.concat([
    block(`HTTP/1.1 ${status} ${reasons[status]}`, [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Content-Length', String(body.length)],
      ['Connection', 'close'],
    ]),
    body,
  ]);
}

/** An HTTP response with a body. */
export function respond(type: 'text/html' | 'application/json', text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([
    block('HTTP/1.1 200 OK', [
      ['Content-Type', `${type}; charset=utf-8`],
      ['Content-Length', String(body.length)],
      ['X-Content-Type-Options', 'nosniff'],
      ['X-Frame-Options', 'DENY'],
      ['Cache-Control', 'no-store'],
      ['Connection', 'close'],
    ]),
    body,
  ]);
}

/** Collects bytes until a header is complete. */
export class HeaderReader {
  #held: Buffer = Buffer.alloc(0);

  /** The header with its empty line, and the bytes after it; undefined until it is complete, null where it is too long. */
  push(chunk: Buffer): { header: Buffer; rest: Buffer } | undefined | null {
    this.#held = Buffer.concat([this.#held, chunk]);
    const at = this.#held.indexOf(END);
    if (at >= 0) return { header: this.#held.subarray(0, at + END.length), rest: this.#held.subarray(at + END.length) };
    return this.#held.length > MAX_HEADER ? null : undefined;
  }

  /** The bytes so far. */
  get held(): Buffer {
    return this.#held;
  }
}

/** Parses a header block; null where it is not that of an HTTP/1.x message. */
export function readHeader(block: Buffer): HandshakeHeader | null {
  const [startLine = '', ...lines] = block.toString('latin1').trimEnd().split('\r\n');
  const response = /^HTTP\/1\.[01] (\d{3})(?: .*)?$/.exec(startLine);
  if (response === null && !/^\S+ \S+ HTTP\/\d\.\d$/.test(startLine)) return null;
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const at = line.indexOf(':');
    if (at <= 0) return null;
    const name = line.slice(0, at).toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), line.slice(at + 1).trim()]);
  }
  return {
    startLine,
    status: response === null ? 0 : Number(response[1]),
    values: (name) => fields.get(name) ?? [],
  };
}

/** Whether comma-separated header values contain a token, without regard to case. */
export function hasToken(values: string[], token: string): boolean {
  return values.some((value) => value.split(',').some((part) => part.trim().toLowerCase() === token));
}

/** The subprotocols that a request offers, with the changes of a case. */
export function offeredProtocols(target: Target, shape: RequestShape): readonly string[] {
  const own = (shape.lines ?? []).filter(([name]) => name.toLowerCase() === PROTOCOL.toLowerCase());
  return own.length === 0 ? target.protocols : own.flatMap(([, value]) => value.split(/ *, */));
}

/** The mistake in a server's 101 response (RFC 6455 4.1), or null. It does not judge extensions. */
export function judgeResponse(header: HandshakeHeader, key: string, protocols: readonly string[]): string | null {
  if (header.status !== 101) return `The server answered ${JSON.stringify(header.startLine)} instead of status 101.`;
  if (header.values('upgrade').length !== 1 || header.values('upgrade')[0].toLowerCase() !== 'websocket') {
    return 'The response has no "Upgrade: websocket".';
  }
  if (!hasToken(header.values('connection'), 'upgrade')) return 'The response has no "Connection: Upgrade".';
  const accepts = header.values('sec-websocket-accept');
  if (accepts.length !== 1 || accepts[0] !== acceptOf(key)) return 'The response has no right Sec-WebSocket-Accept.';
  const subprotocols = header.values('sec-websocket-protocol');
  if (subprotocols.length > 1 || !subprotocols.every((one) => protocols.includes(one))) {
    return `The response names a subprotocol that was not offered: ${subprotocols.join(', ')}.`;
  }
  return null;
}

/** The mistake in a client's request (RFC 6455 4.2.1), or null. */
export function judgeRequest(header: HandshakeHeader): string | null {
  if (!/^GET \S+ HTTP\/1\.[1-9]$/.test(header.startLine)) return 'The request is no HTTP/1.1 GET.';
  if (header.values('host').length !== 1) return 'The request has not exactly one Host.';
  if (!hasToken(header.values('upgrade'), 'websocket')) return 'The request has no "Upgrade: websocket".';
  if (!hasToken(header.values('connection'), 'upgrade')) return 'The request has no "Connection: Upgrade".';
  const keys = header.values('sec-websocket-key');
  if (keys.length !== 1 || !/^[A-Za-z0-9+/]{22}==$/.test(keys[0])) return 'The request has no right Sec-WebSocket-Key.';
  if (header.values('sec-websocket-version').join() !== '13') return 'The request has no "Sec-WebSocket-Version: 13".';
  return null;
}
