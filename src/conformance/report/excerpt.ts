// `hexOf` and `textOf` write the beginning of some bytes as short text.
import type { CaseEvent, Excerpt } from '../result.js';

/** The most bytes of a payload, a read or a write that a JSON file shows, as in the classic suite. */
export const JSON_CUT = 64;

/** The mark at the end of text that was cut. */
export const CUT_MARK = ' ...';

/** At most `limit` bytes as hexadecimal digits, followed by `CUT_MARK` where there are more. */
export function hexOf(bytes: Excerpt, limit: number): string {
  const shown = bytes.head.subarray(0, limit);
  return Buffer.from(shown).toString('hex') + (bytes.length > shown.length ? CUT_MARK : '');
}

/** At most `limit` bytes as text if they are UTF-8, else as `0x` and digits; followed by `CUT_MARK` where there are more. */
export function textOf(bytes: Excerpt, limit: number): string {
  const shown = bytes.head.subarray(0, limit);
  const cut = bytes.length > shown.length;
  try {
    // A cut inside a character drops that character: in streaming mode the decoder holds an unfinished sequence back.
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
