// One thread of a coverage-guided run over the whole server: programs that reach what none reached before become the corpus
// that the next ones are made from.
import { Coverage } from './coverage.js';
import type { Tally } from './differential.js';
import { nextProgram, readCorpus, shrinkProgram } from './programs.js';
import { playServer, watch } from './server-play.js';
import { WideRandom } from './wide-random.js';

/** Seeds for every run, and what `npm test` plays. */
export const CORPUS = 'test/fuzz/server-corpus.txt';
/** Looking at the coverage costs more than playing a program: one look for so many, and one for each of them if there is news. */
const GROUP = 8;

/** What a run tells of itself, and asks. */
export interface Run {
  goesOn(): boolean;
  fail(program: string, what: string): void;
  tell(): void;
}

/** @returns the corpus */
export async function fuzzServer(seed: number, thread: number, tally: Tally, run: Run): Promise<Uint8Array[]> {
  watch();
  const random = new WideRandom(seed, thread);
  const coverage = new Coverage(new URL('library.mjs', import.meta.url).href);
  const seen = new Set<string>();
  const seenByGroups = new Set<string>();
  const corpus: Uint8Array[] = [];
  const play = async (program: Uint8Array): Promise<void> => {
    tally.inputs++;
    tally.octets += program.length;
    const what = await playServer(program);
    if (what === undefined) return;
    const kind = kindOf(what);
    const smallest = await shrinkProgram(program, async (shorter) => kindOf(await playServer(shorter)) === kind);
    run.fail(Buffer.from(smallest).toString('hex'), (await playServer(smallest)) ?? `${what}, and not again`);
  };
  const keepNews = async (programs: Uint8Array[]): Promise<void> => {
    for (const program of programs) {
      await play(program);
      if (coverage.look(seen)) corpus.push(program);
    }
    tally.features = seen.size;
  };

  await keepNews(readCorpus(CORPUS));
  while (run.goesOn()) {
    const programs = Array.from({ length: GROUP }, () => nextProgram(corpus, random));
    for (const program of programs) await play(program);
    if (coverage.look(seenByGroups)) await keepNews(programs);
    run.tell();
  }
  return corpus;
}

/** A failure without what differs from program to program. */
function kindOf(what: string | undefined): string | undefined {
  return what?.replaceAll(/[0-9a-f]{6,}|\d+/g, '#').slice(0, 200);
}
