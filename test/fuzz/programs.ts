// A corpus of programs becomes the next one to play: one of them changed, two joined, or a new one.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Random } from '../support/random.js';

const LONGEST = 300;
/** A corpus in the repository stays below 200 KiB. */
const KEPT = 320;

export function nextProgram(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  if (corpus.length === 0 || random.oneIn(10)) return random.octets(random.between(20, 200));
  let program: Uint8Array = random.pick(corpus).slice();
  for (let times = random.between(1, 5); times > 0; times--) program = change(program, corpus, random);
  return program.subarray(0, LONGEST);
}

function change(program: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random.below(program.length + 1);
  switch (random.below(6)) {
    case 0:
    case 1: {
      const changed = program.slice();
      if (at < changed.length) changed[at] = random.below(256);
      return changed;
    }
    case 2:
      return join(program.subarray(0, at), program.subarray(at + random.between(1, 8)));
    case 3:
      return join(program.subarray(0, at), random.octets(random.between(1, 12)), program.subarray(at));
    case 4:
      return join(
        program.subarray(0, at),
        program.subarray(Math.max(0, at - random.between(1, 30)), at),
        program.subarray(at),
      );
    default: {
      const other = random.pick(corpus);
      return join(program.subarray(0, at), other.subarray(random.below(other.length + 1)));
    }
  }
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Tries to make a program that fails shorter. */
export async function shrinkProgram(
  program: Uint8Array,
  fails: (program: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let best = program;
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = best.length - size; at >= 0; at -= size) {
      const shorter = join(best.subarray(0, at), best.subarray(at + size));
      if (await fails(shorter)) best = shorter;
    }
  }
  return best;
}

/** Programs of a file, one a line in hex. */
export function readCorpus(file: string): Uint8Array[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => new Uint8Array(Buffer.from(line, 'hex')));
}

export function writeCorpus(file: string, corpus: readonly Uint8Array[]): void {
  writeFileSync(
    file,
    corpus
      .slice(0, KEPT)
      .map((program) => `${Buffer.from(program).toString('hex')}\n`)
      .join(''),
  );
}
