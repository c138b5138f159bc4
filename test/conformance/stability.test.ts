// `npm run conformance:stability`: testees are examined several times, and what differs between the runs is named. Without a
// build this test says so and returns.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../conformance/stability.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url));

const directory = mkdtempSync(join(tmpdir(), 'wsimd-stability-test-'));
const record = join(directory, 'record.json');
const starts = join(directory, 'starts');

afterAll(() => rmSync(directory, { recursive: true }));

/** Echoes text only; binary messages too when it is started for the second time. Each start leaves an x in a file. */
const FICKLE = `
  const fs = require('node:fs');
  fs.appendFileSync(${JSON.stringify(starts)}, 'x');
  const isWell = fs.readFileSync(${JSON.stringify(starts)}).length === 2;
  const { WebSocketServer } = require(${JSON.stringify(createRequire(import.meta.url).resolve('ws'))});
  new WebSocketServer({ port: Number(process.argv[1]), host: '127.0.0.1' }).on('connection', (socket) =>
    socket.on('message', (data, binary) => (binary && !isWell) || socket.send(data, { binary })));
`;

interface Ended {
  status: number;
  said: string;
}

/** Runs the program on the fickle server. */
function examine(...words: string[]): Promise<Ended> {
  const list = join(directory, 'list.json');
  const command = [process.execPath, '-e', FICKLE, '{port}'];
  const version = [process.execPath, '--version'];
  writeFileSync(list, JSON.stringify({ testees: [{ name: 'fickle', role: 'server', command, version }] }));
  return new Promise((resolve) => {
    const args = [PROGRAM, ...words, '--list', list, '--record', record];
    execFile(process.execPath, args, (error, said) =>
      resolve({ status: error === null ? 0 : Number(error.code), said }),
    );
  });
}

test(
  'differing verdicts are named, and a later command goes on behind the recorded runs',
  { timeout: 60_000 },
  async () => {
    if (!existsSync(BUILT)) {
      console.log('not run: dist/ is not built');
      return;
    }
    expect(await examine('1', '--cases', '1.1.1,1.2.2')).toEqual({
      status: 1,
      said:
        'fickle (server), run 1: 2 cases.\n' +
        'fickle (server), --jobs 1: 2 cases.\n' +
        'fickle (server): 2 runs, several verdicts for 1 of the cases.\n' +
        '  1.2.2: FAILED, WRONG CODE (run 1); OK, OK (--jobs 1)\n',
    });
    expect(await examine('2', '--cases', '1.1.1,1.2.2')).toEqual({
      status: 1,
      said:
        'fickle (server), run 2: 2 cases.\n' +
        'fickle (server): 3 runs, several verdicts for 1 of the cases.\n' +
        '  1.2.2: FAILED, WRONG CODE (run 1, run 2); OK, OK (--jobs 1)\n',
    });
    expect(readFileSync(starts, 'utf8')).toBe('xxx');
    const rows = JSON.parse(readFileSync(record, 'utf8')) as { cases: string; version: string; runs: object[] }[];
    expect(rows.map(({ cases, version, runs }) => [cases, version, runs.length])).toEqual([
      ['1.1.1,1.2.2', process.version, 3],
    ]);
  },
);
