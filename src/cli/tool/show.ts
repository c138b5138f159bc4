// `colourJson`, `hexDump` and `printable` format the payloads of messages for a terminal.
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;
const [KEY, STRING, WORD, NUMBER] = [36, 32, 35, 33];
const BYTES_IN_LINE = 16;

/** Colours text if it is a JSON object or array, and returns other text unchanged. */
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

/** Replaces control characters, by which a peer could command the terminal, with escapes. Tabs and line feeds stay. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Returns lines of sixteen bytes: their offset, their values, and the printable ASCII characters among them. */
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
