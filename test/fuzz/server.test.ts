// The fuzzer of the server runs in a process of its own, where errors that reach nobody are its to count.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { runsLong } from '../support/long.js';
import { readCorpus } from './programs.js';

const PROGRAMS = runsLong ? 700 : 400;
const CORPUS = fileURLToPath(new URL('server-corpus.txt', import.meta.url));

test(`E10, E11, E13, G05, G07 a server on a mock socket keeps its promises in the corpus and in programs made from it`, async () => {
  const corpus = readCorpus(CORPUS).length;
  expect(corpus).toBeGreaterThan(100);
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-fuzz-'));
  try {
    const script = fileURLToPath(new URL('run.mjs', import.meta.url));
    const options = ['--server', '--inputs', String(PROGRAMS), '--minutes', '2', '--seed', '6455'];
    const { stdout } = await promisify(execFile)(process.execPath, [
      script,
      ...options,
      '--log',
      join(directory, 'log'),
    ]);
    expect(stdout).toMatch(/ 0 failures/);
    const { inputs, failures, features } = JSON.parse(/^\{.*\}$/m.exec(stdout)![0]) as Record<string, number>;
    expect(failures).toBe(0);
    expect(inputs).toBeGreaterThan(corpus);
    expect(features).toBeGreaterThan(1500);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 180_000);
