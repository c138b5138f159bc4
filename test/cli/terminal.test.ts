import { expect, onTestFinished, test } from 'vitest';
import { ownTerminal, ProgressLine, type Terminal } from '../../src/cli/terminal.js';

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

test('results keep their lines in a pipe, whatever terminal the errors go to', () => {
  const streams = [process.stdout, process.stderr].map((stream) => {
    const was = Object.getOwnPropertyDescriptors(stream);
    onTestFinished(() => {
      for (const name of ['isTTY', 'columns'] as const) {
        if (was[name] === undefined) Reflect.deleteProperty(stream, name);
        else Object.defineProperty(stream, name, was[name]);
      }
    });
    return (isTTY: boolean, columns: number | undefined) => {
      Object.defineProperty(stream, 'isTTY', { value: isTTY, configurable: true });
      Object.defineProperty(stream, 'columns', { value: columns, configurable: true });
    };
  });
  const terminal = ownTerminal();
  streams[0](false, undefined);
  streams[1](true, 40);
  expect([terminal.width, terminal.columns]).toEqual([undefined, 40]);
  streams[0](true, 60);
  streams[1](false, undefined);
  expect([terminal.width, terminal.columns]).toEqual([60, undefined]);
});
