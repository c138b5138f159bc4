// `decodeText`, `encodeText` and `encodeInto` are the platform's TextDecoder and TextEncoder, or plain loops in realms that lack them.

// Created at the first use: jsdom, for one, has neither class, and loading the library must not need any global.
let decoder: TextDecoder | undefined;
let encoder: TextEncoder | undefined;

/** The string of valid UTF-8; a byte order mark stays. */
export function decodeText(bytes: Uint8Array): string {
  if (typeof TextDecoder === 'undefined') return decodeByHand(bytes);
  decoder ??= new TextDecoder('utf-8', { ignoreBOM: true });
  return decoder.decode(bytes);
}

/** `text` as UTF-8 in memory of its own; a lone surrogate becomes U+FFFD. */
export function encodeText(text: string): Uint8Array {
  if (typeof TextEncoder === 'undefined') return Uint8Array.from(encodeByHand(text));
  encoder ??= new TextEncoder();
  return encoder.encode(text);
}

/** Writes `text` as UTF-8 to the start of `target`, where it fits, and returns how many bytes it took. */
export function encodeInto(text: string, target: Uint8Array): number {
  if (typeof TextEncoder === 'undefined') {
    const bytes = encodeByHand(text);
    target.set(bytes);
    return bytes.length;
  }
  encoder ??= new TextEncoder();
  return encoder.encodeInto(text, target).written;
}

/** RFC 3629 3, for bytes that were found valid. */
function decodeByHand(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length;) {
    const first = bytes[i++];
    const more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    let point = more === 0 ? first : first & (0x3f >> more);
    for (const end = i + more; i < end; i++) point = (point << 6) | (bytes[i] & 0x3f);
    text += String.fromCodePoint(point);
  }
  return text;
}

function encodeByHand(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0)!;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point >= 0xd800 && point < 0xe000) bytes.push(0xef, 0xbf, 0xbd);
    else {
      if (point < 0x10000) bytes.push(0xe0 | (point >> 12));
      else bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f));
      bytes.push(0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    }
  }
  return bytes;
}
