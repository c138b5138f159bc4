// `judgeConnect` judges a request for a WebSocket over HTTP/2; its neighbours write requests and judge responses (RFC 8441).
import { isKey } from './accept.js';
import { fieldLine, textOf, usage, type Fields } from './field.js';
import {
  failure,
  judgeAgreement,
  requestFields,
  type Agreement,
  type Expectation,
  type HandshakeFailure,
  type RequestOptions,
} from './client.js';
import { announcesBody, refusal, versionOf, type Opening, type Refusal } from './server.js';

/** Fields of one HTTP/1.1 connection, which HTTP/2 refuses (RFC 9113 8.2.2), and Host, which `:authority` replaces. */
const NOT_IN_HTTP2: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'sec-websocket-key',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Whether the header fields of a stream ask for an extended CONNECT, for a WebSocket or another protocol (RFC 8441 4). */
export function isExtendedConnect(headers: Fields): boolean {
  return headers[':method'] === 'CONNECT' && headers[':protocol'] !== undefined;
}

/**
 * Judges a request for a WebSocket over HTTP/2, except its offers (RFC 8441 4 and 5). It needs no key: '' stands for none.
 * @param headers fields by lower-case name, pseudo-header fields among them
 */
export function judgeConnect(headers: Fields, options: { readonly strict?: boolean } = {}): Opening | Refusal {
  if (headers[':method'] !== 'CONNECT') return refusal(405, 'Invalid HTTP method');
  // RFC 9220 3: a protocol that the server does not support is answered with 501.
  if (headers[':protocol'] !== 'websocket') return refusal(501, 'Unknown :protocol');
  // RFC 8441 4: `:scheme` and `:path` are present, as in any other request; RFC 8441 5: they are those of http and https.
  const scheme = headers[':scheme'];
  if (scheme !== 'https' && scheme !== 'http') return refusal(400, 'Missing or invalid :scheme');
  if (!textOf(headers[':path'])?.startsWith('/')) return refusal(400, 'Missing or invalid :path');
  if (!headers[':authority'] && !headers.host) return refusal(400, 'Missing :authority');
  const version = versionOf(headers['sec-websocket-version'], options.strict === true);
  if (version === undefined) {
    return refusal(400, 'Missing or invalid Sec-WebSocket-Version header', { 'Sec-WebSocket-Version': '13, 8' });
  }
  if (announcesBody(headers)) return refusal(400, 'Request must not have a body');
  // RFC 8441 5 has no use for a key, but clients such as undici send one and require its Sec-WebSocket-Accept.
  const key = textOf(headers['sec-websocket-key']);
  return {
    accepted: true,
    key: key !== undefined && isKey(key) ? key : '',
    version,
    origin: textOf(headers[version === 8 ? 'sec-websocket-origin' : 'origin']),
  };
}

/**
 * The header fields of a request for a WebSocket over HTTP/2, in lower case, without pseudo-header fields (RFC 8441 5).
 * Fields of the caller that do not exist in HTTP/2 are left out.
 * @throws as `createRequest`
 */
export function createConnect(options: Omit<RequestOptions, 'key'>): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  for (const [name, value] of requestFields(options, () => {})) {
    addField(fields, name, value);
  }
  return fields;
}

/**
 * Header fields for HTTP/2 from lines of HTTP/1.1 such as `Name: value`; those that do not exist in HTTP/2 are left out.
 * @throws TypeError for a line whose name or value cannot be in a head
 */
export function fieldsOfLines(lines: Iterable<string>): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  for (const line of lines) {
    const [, name, value] = /^([^:]*):?(.*)$/s.exec(line)!;
    fieldLine(name, value);
    addField(fields, name, value);
  }
  return fields;
}

function addField(fields: Record<string, string | string[]>, name: string, text: string): void {
  const lower = name.toLowerCase();
  // Node would send the low byte of such a character, which may be a line break.
  if (/[^\0-\xff]/.test(text)) throw usage('ERR_INVALID_CHAR', `Invalid character in header content ["${name}"]`);
  if (NOT_IN_HTTP2.has(lower)) return;
  // RFC 9113 8.2.1: a value begins and ends with no blank; peers drop the field, or refuse the request.
  const value = text.replaceAll(/^[ \t]+|[ \t]+$/g, '');
  const before = fields[lower];
  fields[lower] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
}

/** Judges the response to such a request (RFC 8441 5: a status of 2xx opens the connection). */
export function judgeConnectResponse(
  status: number,
  headers: Fields,
  expectation: Omit<Expectation, 'key'>,
): Agreement | HandshakeFailure {
  if (status < 200 || status > 299) return failure(`Unexpected server response: ${status}`);
  return judgeAgreement(headers, expectation);
}
