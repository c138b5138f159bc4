import { expect, test } from 'vitest';
import { msIn, timeOf } from '../../src/cli/arguments.js';

test.each([
  ['500ms', 500],
  ['1.5s', 1500],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['0', 0],
  ['2', 2000],
])('the time %s is %i ms where a number alone is in seconds', (text, ms) => {
  expect(timeOf(text, '--wait', 's', 0)).toBe(ms);
});

test('a number alone is in the unit that its option names, and no time where each needs one', () => {
  expect(timeOf('2', '--wait', 'ms', 0)).toBe(2);
  expect(msIn('2')).toBeNaN();
});

test.each([['long'], ['-1'], ['1 s'], ['s'], [''], ['25d'], ['600h']])('%j is refused with the bounds', (text) => {
  const sentence = `--wait takes a time from 1ms to 24 days, such as 500ms, 10s or 2m, not ${JSON.stringify(text)}.`;
  expect(() => timeOf(text, '--wait', 's', 1)).toThrow(sentence);
});
