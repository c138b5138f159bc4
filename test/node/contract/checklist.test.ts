/** That every row of the checklist has its tests, and that the differences are the README's. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CHECKLIST } from './checklist.js';
import { DEVIATIONS } from './deviations.js';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

/** The titles of the tests in a source, as it spells them. */
const titlesOf = (source: string): string[] =>
  [...source.matchAll(/\b(?:it|test|check)(?:\.each\([^]*?\))?\(\s*(['"`])(.*?)\1,/g)].map(([, , title]) => title);

const sources = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.test.ts') && !file.startsWith('checklist'))
  .map(read);
const shared = sources.flatMap(titlesOf);

describe('the checklist of ws', () => {
  for (const [section, rows] of Object.entries(CHECKLIST)) {
    it.each(rows)(`${section}: %s`, (_promise, ...tests) => {
      expect(tests.length).toBeGreaterThan(0);
      for (const test of tests) {
        const [, file, title] = /^(\.\.\S+): (.*)$/.exec(test) ?? [undefined, undefined, test];
        const titles = file === undefined ? shared : titlesOf(read(file));
        expect(
          titles.filter((each) => each.startsWith(title)),
          `a test "${title}..."`,
        ).not.toEqual([]);
      }
    });
  }

  it.each(Object.entries(DEVIATIONS))('%s (%s) is named where the tests expect it', (id) => {
    const named = new RegExp(`\\b${id}\\b`);
    expect(sources.filter((source) => named.test(source))).not.toEqual([]);
  });

  it('the differences in README.md and docs/differences.md have the same rows as the tests', () => {
    const rowsOf = (path: string): string[] => read(path).match(/^\| D\d+\s*\|.*$/gm) ?? [];
    const details = read('../../../docs/differences.md');
    const rows = rowsOf('../../../README.md');
    expect(rows.map((row) => /D\d+/.exec(row)![0])).toEqual(Object.keys(DEVIATIONS));
    expect(rowsOf('../../../docs/differences.md')).toEqual(rows);
    expect(Array.from(details.matchAll(/^## (D\d+):/gm), ([, id]) => id)).toEqual(Object.keys(DEVIATIONS));
  });

  it('each comment `Deviation from ws` names its row, and each row is named where it comes about', () => {
    const comments = ['src', 'assembly'].flatMap((top) =>
      readdirSync(new URL(`../../../${top}`, import.meta.url), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .flatMap((file) =>
          Array.from(
            read(`../../../${top}/${file}`).matchAll(/Deviation from ws\b(?: \((D\d+)\))?.*/g),
            ([text, id]) => ({
              text: `${top}/${file}: ${text}`,
              id,
            }),
          ),
        ),
    );
    expect(comments.filter(({ id }) => !(id in DEVIATIONS)).map(({ text }) => text)).toEqual([]);
    expect(Object.keys(DEVIATIONS).filter((id) => !comments.some((comment) => comment.id === id))).toEqual([]);
  });
});
