// A client's Sec-WebSocket-Key becomes the Sec-WebSocket-Accept that proves the server read it (RFC 6455 1.3, 4.2.2).
import { encodeBase64 } from './base64.js';
import { sha1 } from './sha1.js';

/** Appended to every key before it is digested (RFC 6455 1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const KEY = /^[+/0-9A-Za-z]{22}==$/;
// 22 characters hold 132 bits, 16 octets hold 128: in the only canonical writing the last four bits are zero.
const CANONICAL_KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/;

/** The Sec-WebSocket-Accept value for a key of ASCII characters (RFC 6455 4.2.2, 5.4). */
export function acceptKey(key: string): string {
  const text = key + GUID;
  const octets = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) octets[at] = text.charCodeAt(at);
  return encodeBase64(sha1(octets));
}

/** Whether the text looks like 16 octets in base64; the last character may carry bits that no octet holds, as with `ws`. */
export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** Whether the text is what an encoder makes of 16 octets (RFC 6455 4.1, RFC 4648 3.5). */
export function isCanonicalKey(text: string): boolean {
  return CANONICAL_KEY.test(text);
}
