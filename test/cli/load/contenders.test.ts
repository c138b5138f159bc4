// `contend` leaves out servers that do not start, and says why; a program named bun in PATH plays them.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { contend } from '../../../src/cli/load/contenders.js';

/** Makes this the program that `--against bun` starts; returns its directory. */
function playBun(program: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-bun-'));
  const path = process.env.PATH;
  process.env.PATH = directory;
  onTestFinished(() => {
    process.env.PATH = path;
    rmSync(directory, { recursive: true });
  });
  writeFileSync(join(directory, 'bun'), `#!${process.execPath}\n${program}`);
  chmodSync(join(directory, 'bun'), 0o755);
  return directory;
}

/** The sentences about servers that are left out. */
async function leftOut(left: string[] = []): Promise<string[]> {
  const settings = { against: ['bun'], rounds: 1, offersDeflate: false };
  const turn = (): never => expect.unreachable();
  expect(await contend(settings, new AbortController().signal, turn, (sentence) => left.push(sentence))).toEqual([]);
  return left;
}

it('leaves out and ends a server that does not listen within 10 seconds', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const directory = playBun(`
    require('node:fs').writeFileSync(__dirname + '/pid', process.pid + '.');
    setTimeout(() => {}, 60_000);
  `);
  const left: string[] = [];
  const over = leftOut(left);
  const file = join(directory, 'pid');
  await expect.poll(() => existsSync(file) && readFileSync(file, 'utf8'), { timeout: 10_000 }).toMatch(/\.$/);
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  vi.advanceTimersByTime(9999);
  expect(left).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(await over).toEqual(['bun is left out: it does not listen.']);
  const isThere = (): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await expect.poll(isThere, { timeout: 10_000 }).toBe(false);
});

it('names the first error in the last 64 KiB that a server has said before its end', async () => {
  playBun(`
    process.stderr.write('Error: the first\\n' + 'noise\\n'.repeat(20_000) + 'Error: the last\\nError: after it\\n');
    process.exit(1);
  `);
  expect(await leftOut()).toEqual(['bun is left out: Error: the last.']);
});

it('says that a server does not start that ends without an error', async () => {
  playBun('process.exit(0);');
  expect(await leftOut()).toEqual(['bun is left out: it does not start.']);
});
