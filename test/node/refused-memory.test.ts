// A message that there is no memory for, in a process whose address space is used up, ends that connection and no other. Needs dist, and Linux.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('../memory/refuse.mjs', import.meta.url));

test.each(['nodebuffer', 'arraybuffer', 'blob'])(
  '7.4.1 %s: memory that the system refuses fails one connection with 1009, and another is served',
  async (binaryType) => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, binaryType]);
    expect(JSON.parse(stdout)).toEqual({ codes: [1009], echo: 'still here' });
  },
  60_000,
);
