import { expect, test } from 'vitest';
import { fold } from '../../src/cli/fold.js';

const HELP = `Sends each line, and prints
what comes.

  wsimd connect URL

  --record FILE   write the messages to FILE,
                  for wsimd replay
  --header "NAME: TEXT" a line of every request
`;

test('text that fits, and text for no terminal, stays as it is', () => {
  expect(fold(HELP, 80)).toBe(HELP);
  expect(fold(HELP, undefined)).toBe(HELP);
});

test('a description goes on below itself, and prose is filled', () => {
  expect(fold(HELP, 40)).toBe(`Sends each line, and prints what comes.

  wsimd connect URL

  --record FILE   write the messages to
                  FILE, for wsimd replay
  --header "NAME: TEXT" a line of every
      request
`);
});

test('where the names take half of the columns, a description has lines of its own', () => {
  expect(fold(HELP, 30)).toBe(`Sends each line, and prints
what comes.

  wsimd connect URL

  --record FILE
      write the messages to
      FILE, for wsimd replay
  --header "NAME: TEXT" a line
      of every request
`);
});

test('a word longer than a line stays whole', () => {
  expect(fold('Cannot connect to ws://127.0.0.1:9001.\n', 12)).toBe('Cannot\nconnect to\nws://127.0.0.1:9001.\n');
});
