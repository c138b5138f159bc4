// `visibleText` shows every character of a testee's text, so that nothing in it can hide or reorder the rest.

/**
 * Control characters (with which a terminal is commanded), format characters (with which the direction of text is turned) and
 * lone surrogates by their numbers; tabs and line feeds stay.
 */
export function visibleText(text: string): string {
  return text.replace(/(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\ufffe\uffff]/gu, escapedCodePoint);
}

/** `\x1b`, `\u202e` or `\U000e0001`: a character by its number, as Python writes it. */
export function escapedCodePoint(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}
