// `contend` leaves out servers that do not start, and says why; a program named bun in PATH plays them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { contend } from '../../../src/cli/load/contenders.js';
import { KNOWN_SERVERS } from '../../../src/cli/load/known-servers.js';
import type { Result } from '../../../src/cli/load/result.js';

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

it('does not call a server left out that an interruption has ended', async () => {
  playBun('process.exit(0);');
  const settings = { against: ['bun'], rounds: 1, offersDeflate: false };
  const never = (): never => expect.unreachable();
  expect(await contend(settings, AbortSignal.abort(), never, never)).toEqual([]);
});

it('keeps the turns before the one that an interruption has ended', async () => {
  playBun('console.log(1); setTimeout(() => {}, 60_000);');
  const interruption = new AbortController();
  const turn = (_url: string, _name: string, round: number): Promise<Result> => {
    if (round === 0) {
      const result = { measured: 1, settings: { warmup: 0 }, messages: { perSecond: 5, answered: 5 }, latency: {} };
      return Promise.resolve(result as Result);
    }
    interruption.abort();
    return Promise.reject(new Error('nothing was sent'));
  };
  const settings = { against: ['bun'], rounds: 3, offersDeflate: false };
  const contenders = await contend(settings, interruption.signal, turn, () => expect.unreachable());
  expect(contenders.map(({ perSecond }) => perSecond)).toEqual([5]);
});

it('starts servers that a Ctrl-C does not end, but the end of their input', { timeout: 30_000 }, async () => {
  const start = KNOWN_SERVERS.ws(process.cwd());
  if ('missing' in start) return expect.unreachable(start.missing);
  const [program, ...args] = start.command;
  const child = spawn(program, [...args, 'plain'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  child.stdin.end();
  expect(await exit).toEqual([0, null]);
});
