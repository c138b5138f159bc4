// `explainClose` explains a close code in words (RFC 6455 7.4.1 and the IANA registry of close codes).
import type { CloseCode } from '../../sans-io.js';

const WORDS: Readonly<Record<CloseCode, string>> = {
  1000: 'it is done',
  1001: 'an end goes away',
  1002: 'the protocol was broken',
  1003: 'data of this kind is not taken',
  1005: 'no code was given',
  1006: 'it ended without a Close frame',
  1007: 'data does not fit its kind, such as text that is not UTF-8',
  1008: 'a rule of this end was broken',
  1009: 'a message is too big',
  1010: 'the server lacks an extension that is needed',
  1011: 'the server failed',
  1012: 'the server starts anew',
  1013: 'the server is too busy, try later',
  1014: 'the server behind a gateway failed',
  1015: 'the TLS handshake failed',
};

/** Returns the meaning of a close code in a few words. */
export function explainClose(code: number): string {
  const words = WORDS[code as CloseCode] as string | undefined;
  if (words !== undefined) return words;
  if (code >= 3000 && code < 4000) return 'a code registered by a library or framework';
  if (code >= 4000 && code < 5000) return "a code of the application's own";
  return 'a code without a meaning';
}
