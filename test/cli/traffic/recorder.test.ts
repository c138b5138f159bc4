// `Recorder`: the order and content of what waits to be written, and a program that ends before its command.
import { Buffer } from 'node:buffer';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Recorder } from '../../../src/cli/traffic/recorder.js';
import { readRecording } from '../../../src/cli/traffic/recording.js';

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

it('keeps the order and content of lines that do not fit together into its memory', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-recorder-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'x.jsonl');
  const recorder = new Recorder(file, () => undefined);
  const connection = { number: 1, url: 'ws://127.0.0.1:1/', startedAt: 1, openedAt: 0 };
  recorder.opened(connection, {
    request: 'GET / HTTP/1.1\r\n\r\n',
    response: 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  });
  // Lines of 1 to 1,000,000 bytes around the limit of 256 KiB, with characters of one, three and four bytes.
  const texts = [1, 100_000, 20_000, 300_000, 7, 87_000, 250_000, 1, 40_000, 86_000, 85_000, 70_000].flatMap(
    (length) => ['a'.repeat(length), '\u20ac'.repeat(Math.ceil(length / 3)), '\u{1f600}'.repeat(Math.ceil(length / 4))],
  );
  for (const text of texts) {
    const payload = Buffer.from(text);
    const { length } = payload;
    const header = { opcode: 1, fin: true, rsv: 0, isMasked: false, maskingKey: 0, headerLength: 10, length };
    recorder.frame(connection, { from: 'server', time: 1, ...header, payload, came: length, fault: undefined });
  }
  recorder.close();
  const [{ frames }] = readRecording(file);
  expect(frames.map(({ payload }) => Buffer.from(payload).toString())).toEqual(texts);
});
