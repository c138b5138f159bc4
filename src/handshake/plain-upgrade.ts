// `scanPlainUpgrade` finds out whether bytes are one plain request for a WebSocket, which no HTTP server could read
// in another way (RFC 6455 4.1).
import { HeadScanner, RANGE, type HeadError } from './head-scanner.js';

/** The longest head, in bytes, and the most fields of a request that counts as plain. */
export const MAX_PLAIN_LENGTH = 4096;
const MAX_PLAIN_FIELDS = 64;

const METHOD = asciiBytes('GET /');
const VERSION = asciiBytes(' HTTP/1.1');
const WEBSOCKET = asciiBytes('websocket');
const UPGRADE = asciiBytes('upgrade');
const HOST = asciiBytes('host');
const CONNECTION = asciiBytes('connection');

/** Fields that make a message more than a request for a WebSocket: a body, or another continuation. */
const OTHERS: readonly Uint8Array[] = [
  'content-length',
  'transfer-encoding',
  'expect',
  'http2-settings',
  'proxy-connection',
  'te',
  'trailer',
].map(asciiBytes);

const SPACE = 0x20;
const TAB = 0x09;
const COMMA = 0x2c;
const DELETE = 0x7f;

const NOT_PLAIN: HeadError = { status: 400, message: 'Not a plain request' };

/**
 * Scans the bytes that a client has sent so far.
 * @returns the places of the parts, if the bytes begin with a whole plain request: GET, an absolute path, HTTP/1.1, one Host,
 *   `Upgrade: websocket`, one Connection with `upgrade` in it, no body. Its key, version and offers have not been checked.
 */
export function scanPlainUpgrade(bytes: Uint8Array, from: number, end: number): HeadScanner | undefined {
  const scanner = new HeadScanner(from, judgeStart);
  if (scanner.scan(bytes, end) !== true) return undefined;
  const { ranges } = scanner;
  if (scanner.at - from > MAX_PLAIN_LENGTH || ranges.length > RANGE * MAX_PLAIN_FIELDS) return undefined;
  let hosts = 0;
  let upgrades = 0;
  let connections = 0;
  for (let at = 0; at < ranges.length; at += RANGE) {
    const start = ranges[at];
    const length = ranges[at + 1] - start;
    if (is(HOST, bytes, start, length)) hosts++;
    else if (is(UPGRADE, bytes, start, length)) upgrades += isWebSocket(bytes, ranges[at + 2], ranges[at + 3]) ? 1 : 2;
    else if (is(CONNECTION, bytes, start, length))
      connections += listsUpgrade(bytes, ranges[at + 2], ranges[at + 3]) ? 1 : 2;
    else if (OTHERS.some((name) => is(name, bytes, start, length))) return undefined;
  }
  return hosts === 1 && upgrades === 1 && connections === 1 ? scanner : undefined;
}

/** The request target of a plain request: from `targetStart` to `targetEnd`. */
export function targetStart(scanner: HeadScanner): number {
  return scanner.from + METHOD.length - 1;
}

export function targetEnd(scanner: HeadScanner): number {
  return scanner.startEnd - VERSION.length;
}

function judgeStart(bytes: Uint8Array, from: number, to: number): HeadError | undefined {
  const end = to - VERSION.length;
  if (end - from < METHOD.length) return NOT_PLAIN;
  for (let at = 0; at < METHOD.length; at++) if (bytes[from + at] !== METHOD[at]) return NOT_PLAIN;
  for (let at = 0; at < VERSION.length; at++) if (bytes[end + at] !== VERSION[at]) return NOT_PLAIN;
  for (let at = from + METHOD.length; at < end; at++) {
    if (bytes[at] <= SPACE || bytes[at] >= DELETE) return NOT_PLAIN;
  }
  return undefined;
}

/** Whether the bytes are this lower-case name, in any case. */
function is(name: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (length !== name.length) return false;
  for (let at = 0; at < length; at++) {
    // A token has no byte below 0x20 that this could turn into a letter or a hyphen.
    if ((bytes[start + at] | 0x20) !== name[at]) return false;
  }
  return true;
}

function isWebSocket(bytes: Uint8Array, from: number, to: number): boolean {
  return is(WEBSOCKET, bytes, from, to - from);
}

/** Whether one element of a list is `upgrade`. */
function listsUpgrade(bytes: Uint8Array, from: number, to: number): boolean {
  let start = from;
  for (let at = from; at <= to; at++) {
    if (at < to && bytes[at] !== COMMA) continue;
    let end = at;
    while (start < end && isBlank(bytes[start])) start++;
    while (end > start && isBlank(bytes[end - 1])) end--;
    if (is(UPGRADE, bytes, start, end - start)) return true;
    start = at + 1;
  }
  return false;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
