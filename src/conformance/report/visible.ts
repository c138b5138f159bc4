// `visibleText` makes all characters of a testee's text visible, so that none can hide or reorder others.

/**
 * Replaces control characters, which can command a terminal, format characters, which can change the direction of text, and
 * lone surrogates by their numbers. Tabs and line feeds stay.
 */
export function visibleText(text: string): string {
  // Most text is ASCII, in which a search without properties of characters is several times as fast.
  if (!/[^\t\n -~]/.test(text)) return text;
  return text.replace(/(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\ufffe\uffff]/gu, escapedCodePoint);
}

/** The number of a character as Python writes it: `\x1b`, `\u202e` or `\U000e0001`. */
export function escapedCodePoint(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}
