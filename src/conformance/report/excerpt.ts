// The beginning of some octets -> the short text by which a report shows them.
import type { CaseEvent, Excerpt } from '../result.js';

/** Octets that the JSON files show of any payload, read or write: the classic cut. */
export const JSON_CUT = 64;

/** Stands where something was cut. */
export const CUT_MARK = ' ...';

/** At most `limit` octets as hexadecimal digits, with the mark when there were more. */
export function hexOf(octets: Excerpt, limit: number): string {
  const shown = octets.head.subarray(0, limit);
  return Buffer.from(shown).toString('hex') + (octets.length > shown.length ? CUT_MARK : '');
}

/** At most `limit` octets as text when they are UTF-8, else as `0x` and hexadecimal digits; with the mark when there were more. */
export function textOf(octets: Excerpt, limit: number): string {
  const shown = octets.head.subarray(0, limit);
  const cut = octets.length > shown.length;
  try {
    // A cut inside a character drops that character: streaming mode holds an unfinished sequence back.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(shown, { stream: cut });
    return text + (cut ? CUT_MARK : '');
  } catch {
    return `0x${hexOf(octets, limit)}`;
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
