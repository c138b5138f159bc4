import { afterEach, describe, expect, test, vi } from 'vitest';
import { decodeText, encodeInto, encodeText } from '../../src/values/text-coding.js';

const TEXTS = [
  '',
  'plain',
  '\ufeffaé€😀',
  '\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}\u{10ffff}',
  '東京'.repeat(99),
];

afterEach(() => vi.unstubAllGlobals());

describe.each([
  ['the platform’s classes', false],
  ['loops, where a realm lacks them', true],
])('text is coded by %s', (_, lacking) => {
  function lack(): void {
    if (!lacking) return;
    vi.stubGlobal('TextDecoder', undefined);
    vi.stubGlobal('TextEncoder', undefined);
  }

  test.each(TEXTS)('RFC 3629 3: %j comes back as it was', (text) => {
    lack();
    const bytes = encodeText(text);
    expect(Buffer.from(bytes).equals(Buffer.from(text))).toBe(true);
    expect(decodeText(bytes)).toBe(text);
    const room = new Uint8Array(3 * text.length);
    expect(encodeInto(text, room)).toBe(bytes.length);
    expect(room.subarray(0, bytes.length)).toEqual(bytes);
  });

  test('a lone surrogate becomes U+FFFD', () => {
    lack();
    expect(encodeText('a\ud800b\udfff')).toEqual(new Uint8Array(Buffer.from('a\ufffdb\ufffd')));
  });
});

test('nothing is asked of a realm before text is coded', async () => {
  vi.resetModules();
  for (const name of ['TextDecoder', 'TextEncoder', 'atob', 'crypto']) vi.stubGlobal(name, undefined);
  const { kernels } = await import('../../src/sans-io.js');
  expect(kernels.name).toBe(typeof WebAssembly === 'undefined' ? 'javascript' : 'wasm-simd');
});
