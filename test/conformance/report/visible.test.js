import { expect, test } from 'vitest';
import { visibleText } from '../../../src/conformance/report/visible.js';
test('what could command a terminal or reorder a page is shown by its number', () => {
    expect(visibleText('\u001b]0;x\u0007\r\u009b \u202e\u2066 \ufeff \u{e0001} \ud800')).toBe('\\x1b]0;x\\x07\\x0d\\x9b \\u202e\\u2066 \\ufeff \\U000e0001 \\ud800');
});
test('text, tabs and line feeds stay', () => {
    expect(visibleText('Gr\u00fc\u00dfe \u{1f600}\t\n')).toBe('Gr\u00fc\u00dfe \u{1f600}\t\n');
});
