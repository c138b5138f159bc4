// `npm run test:planted` shows that each bug is found. Here: that it can still be planted, and that its test is still there.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PLANTED_BUGS } from './planted-bugs.js';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

test.each(PLANTED_BUGS)('$commit can be planted: $what', ({ file, from, test: [testFile, title] }) => {
  expect(read(file).split(from)).toHaveLength(2);
  expect(read(testFile)).toContain(title);
});
