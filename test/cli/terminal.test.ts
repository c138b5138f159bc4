import { expect, test } from 'vitest';
import { ProgressLine, type Terminal } from '../../src/cli/terminal.js';

function recorder(columns: number | undefined): Terminal & { said: string[] } {
  const said: string[] = [];
  return { said, columns, out: () => undefined, err: (text) => said.push(text) };
}

test('each line replaces the one before and leaves the last column free', () => {
  const terminal = recorder(80);
  const line = new ProgressLine(terminal);
  line.show((width) => `one ${width}`);
  line.show(() => 'two');
  line.clear();
  line.clear();
  expect(terminal.said).toEqual(['\r\u001b[Kone 79', '\r\u001b[Ktwo', '\r\u001b[K']);
});

test('where there is no terminal there is no line', () => {
  const terminal = recorder(undefined);
  const line = new ProgressLine(terminal);
  line.show(() => 'one');
  line.clear();
  expect(terminal.said).toEqual([]);
});
