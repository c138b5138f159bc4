// The memory that a peer can make a server hold, measured in a process of its own. Needs dist.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { runsLong } from '../support/long.js';

// By hand, for longer: node --expose-gc test/memory/hold.mjs --sequences 1000 --seed 1
test('D01 whatever frames a peer sends, at most twice their bytes and 64 KiB a connection are held, and 16 MiB a thread', async () => {
  const program = fileURLToPath(new URL('hold.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    program,
    '--sequences',
    runsLong ? '24' : '6',
    '--seed',
    '22',
  ]);
  const { exceeded, worst } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { exceeded: number; worst: object };
  console.log(`the most beside its bound: ${JSON.stringify(worst)}`);
  expect(exceeded).toBe(0);
}, 120_000);
