// `acceptKey` makes the Sec-WebSocket-Accept that proves that a server read the client's key (RFC 6455 1.3, 4.2.2).
import { checkText, refuse } from '../errors/usage-error.js';
import { encodeBase64 } from './base64.js';
import { sha1 } from './sha1.js';

/** Appended to every key before it is digested (RFC 6455 1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** Computes the SHA-1 digest of ASCII text, in base64. */
export type Digest = (text: string) => string;

/**
 * The Sec-WebSocket-Accept value for a key of ASCII characters (RFC 6455 4.2.2, 5.4).
 * @param digest the platform's SHA-1, where it has a synchronous one
 */
export function acceptKey(key: string, digest: Digest = digestHere): string {
  checkText('Sec-WebSocket-Key is', key);
  if (typeof digest !== 'function') refuse('A digest is a function', digest);
  const accept = digest(key + GUID);
  checkText('A digest returns', accept);
  return accept;
}

function digestHere(text: string): string {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return encodeBase64(sha1(bytes));
}

/**
 * Whether the text is 16 bytes in base64 (RFC 6455 4.1). 22 characters hold 132 bits: the last one may carry bits that belong
 * to no byte, as in the example of that section, which released clients send.
 */
export function isKey(text: string): boolean {
  return typeof text === 'string' && KEY.test(text);
}
