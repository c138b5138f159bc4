// `Recorder` where the program ends before its command, as at the second Ctrl-C.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Recorder } from '../../../src/cli/traffic/recorder.js';

it('tells what cannot be written when the program ends, and throws nothing into it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-recorder-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const har = join(directory, 'x.har');
  const before = process.listeners('exit');
  let told = '';
  const recorder = new Recorder(har, (sentence) => (told += sentence));
  const added = process.listeners('exit').filter((listener) => !before.includes(listener));
  recorder.opened(
    { number: 1, url: 'ws://127.0.0.1:1/', startedAt: 1, openedAt: 0 },
    { request: 'GET / HTTP/1.1\r\n\r\n', response: 'HTTP/1.1 101 Switching Protocols\r\n\r\n' },
  );
  mkdirSync(har);
  for (const listener of added) listener.call(process, 130);
  expect(added).toHaveLength(1);
  expect(told).toMatch(/^Cannot write \S+x\.har; the recording is in \S+x\.har\.jsonl: EISDIR.*\.\n$/);
  expect(readFileSync(`${har}.jsonl`, 'utf8')).toContain('"recording":1');
});
