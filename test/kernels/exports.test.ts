import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeJavaScriptKernels } from '../../src/kernels/index.js';
import { kernelSets } from '../support/kernel-sets.js';
import { rawKernels } from '../support/raw-kernels.js';

/** Each kernel that assembly/index.ts exports, and the plain code in test/support that its tests hold it against. */
const HELD_AGAINST: Readonly<Record<string, string>> = {
  scanFrames: 'reference-decoder.ts',
  mask: 'naive/mask.ts',
  maskAndFindAscii: 'naive/mask.ts',
  maskFrames: 'naive/mask.ts',
  isAscii: 'naive/utf8.ts',
  isUtf8: 'naive/utf8.ts',
  continueUtf8: 'naive/utf8.ts',
  transcode: 'naive/transcode.ts',
};

/** Kernels that the module exports for its tests alone: `Kernels` has no such method. */
const INNER = ['maskAndFindAscii', 'isAscii'];
const OFFERED = Object.keys(HELD_AGAINST).filter((name) => !INNER.includes(name));

const here = new URL('.', import.meta.url);
const textOf = (directory: string, isMeant: (file: string) => boolean): string =>
  readdirSync(new URL(directory, here))
    .filter(isMeant)
    .map((file) => readFileSync(new URL(directory + file, here), 'utf8'))
    .join('\n');
const tests = textOf('./', (file) => file.endsWith('.test.ts'));
const decoderTests = textOf('../codec/', (file) => file.endsWith('.test.ts'));
const comparisons = textOf('../mutation/', (file) => /^(compare-|kernel-pair)/.test(file));

const functionsOf = (kernels: object): string[] =>
  Object.entries(kernels).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));

it.each(rawKernels)('the table above has each kernel of the module', (raw) => {
  const kernels = functionsOf(raw).filter((name) => !name.endsWith('Address'));
  expect(kernels.sort()).toEqual(Object.keys(HELD_AGAINST).sort());
});

it.each(Object.entries(HELD_AGAINST))('%s is held against test/support/%s', (_, file) => {
  expect(`${tests}${decoderTests}`).toContain(`/support/${file.replace('.ts', '.js')}'`);
});

describe.each(kernelSets)('the kernels of $name', (kernels) => {
  it('are methods that `Kernels` declares, one and all', () => {
    expect(functionsOf(kernels).sort()).toEqual([...OFFERED].sort());
    expect(Object.keys(kernels).sort()).toEqual(Object.keys(makeJavaScriptKernels()).sort());
  });
});

it.each(Object.keys(HELD_AGAINST))('%s is called by a test in test/kernels', (name) => {
  expect(tests).toContain(`.${name}(`);
});

it.each(OFFERED)('%s is compared with its twin by test/mutation/compare-kernels.mjs', (name) => {
  expect(comparisons).toContain(`kernels.${name}(`);
});
