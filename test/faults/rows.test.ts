/** The table of faults: whole, and every test that it names is there. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ROWS } from './rows.js';

const ROOT = new URL('../../', import.meta.url);
/** How many rows each letter has. */
const COUNTS = { A: 14, B: 11, C: 19, D: 17, E: 15, F: 9, G: 15, H: 13 };

test('names each row once, and all of them', () => {
  const ids = Object.entries(COUNTS).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, i) => letter + String(i + 1).padStart(2, '0')),
  );
  expect(ROWS.map(({ id }) => id)).toEqual(ids);
});

test.each(ROWS)('$id has its test: $test', ({ file, test: title }) => {
  const url = new URL(file, ROOT);
  expect(existsSync(url)).toBe(true);
  const source = readFileSync(url, 'utf8');
  const quoted = ["'", '"', '`'].some((quote) =>
    source.includes(quote + title.replaceAll("'", quote === "'" ? "\\'" : "'")),
  );
  expect(quoted, `${file} has no test called "${title}"`).toBe(true);
});

test('C18 no option of a server takes a credential to compare', () => {
  const options = readFileSync(new URL('src/node/server-options.ts', ROOT), 'utf8');
  expect(options).not.toMatch(/password|credential|secret|token/i);
});
