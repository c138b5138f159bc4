import { expect, test } from 'vitest';
import { conformance } from '../../src/cli/conformance.js';
import { bench } from '../../src/cli/load/bench.js';
import { proxy } from '../../src/cli/proxy/proxy.js';
import { replay } from '../../src/cli/replay/replay.js';
import { serve } from '../../src/cli/serve.js';
import { connect } from '../../src/cli/tool/connect.js';
import { sayingTerminal } from '../support/terminal.js';
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

test('each description of a help stands in a column, which two spaces begin', async () => {
  for (const command of [serve, connect, bench, proxy, replay, conformance]) {
    const { terminal, text } = sayingTerminal();
    await command(['--help'], terminal, AbortSignal.abort());
    expect(text.out).not.toMatch(/^ {2}(?:--[\w-]+ (?:[A-Z]+|'.*?')|wsimd .*\]) [a-z]/m);
    // A value with alternatives is not broken, since the break would become a space.
    expect(text.out).not.toMatch(/\|\n/);
  }
});
