// `hexOf` and `textOf` show the beginning of some bytes as a short text.
import type { CaseEvent, Excerpt } from '../result.js';

/** Bytes that the JSON files show of any payload, read or write: the classic cut. */
export const JSON_CUT = 64;

/** Stands where something was cut. */
export const CUT_MARK = ' ...';

/** At most `limit` bytes as hexadecimal digits, with the mark when there were more. */
export function hexOf(bytes: Excerpt, limit: number): string {
  const shown = bytes.head.subarray(0, limit);
  return Buffer.from(shown).toString('hex') + (bytes.length > shown.length ? CUT_MARK : '');
}

/** At most `limit` bytes as text when they are UTF-8, else as `0x` and hexadecimal digits; with the mark when there were more. */
export function textOf(bytes: Excerpt, limit: number): string {
  const shown = bytes.head.subarray(0, limit);
  const cut = bytes.length > shown.length;
  try {
    // A cut inside a character drops that character: streaming mode holds an unfinished sequence back.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(shown, { stream: cut });
    return text + (cut ? CUT_MARK : '');
  } catch {
    return `0x${hexOf(bytes, limit)}`;
  }
}

/** An event in its classic form: `["message", text, isBinary]`, `["pong", text]` or `["timeout", tag]`. */
export function eventRow(event: CaseEvent): readonly (string | boolean)[] {
  switch (event.kind) {
    case 'message':
      return ['message', textOf(event.payload, JSON_CUT), event.binary];
    case 'pong':
      return ['pong', textOf(event.payload, JSON_CUT)];
    case 'timeout':
      return ['timeout', event.tag];
  }
}
