// `colourJson`, `hexDump` and `printable` show the payloads of messages to a person.
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;
const [KEY, STRING, WORD, NUMBER] = [36, 32, 35, 33];
const BYTES_IN_LINE = 16;

/** Text with colours for a terminal, if it is a JSON object or list; other text as it is. */
export function colourJson(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  const paint = (colour: number, part: string): string => `\u001b[${colour}m${part}\u001b[0m`;
  return text.replaceAll(TOKEN, (token, quoted?: string, colon?: string, word?: string) => {
    if (quoted !== undefined) return colon === undefined ? paint(STRING, quoted) : paint(KEY, quoted) + colon;
    return paint(word === undefined ? NUMBER : WORD, token);
  });
}

/** Text without the characters by which a peer could give orders to the terminal: they stand there as escapes. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Sixteen bytes in a line: where they stand, their values, and those that are ASCII as text. */
export function hexDump(data: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < data.length; at += BYTES_IN_LINE) {
    const bytes = [...data.subarray(at, at + BYTES_IN_LINE)];
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = bytes.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(3 * BYTES_IN_LINE - 1)}  ${text}`);
  }
  return lines.length === 0 ? '(0 bytes)' : lines.join('\n');
}
