// Two sets of kernels and one piece of work -> an error that says in what they differ, if they do: in what they return, in the
// bytes afterwards, in the bytes around, in the records or in the state.

/** ASCII, the first byte of a character and a later one, so that it shows when bytes outside of the area are judged. */
const FENCES = [0x5a, 0xf0, 0xbf];
/** Words of the state: phase, held, key, kind, UTF-8, message, records. */
const STATE_WORDS = [0, 1, 10, 11, 12, 13, 14];

export class Difference extends Error {}

export function same(values, what) {
  if (!Object.is(values[0], values[1])) throw new Difference(`${what}: ${values[0]}, not ${values[1]}`);
}

/** Lays `octets` at `at` in the area, between fences; runs `work`; compares what it returns and what lies there then. */
export function run(both, area, at, octets, room, work, what) {
  const fence = FENCES[(at + octets.length) % FENCES.length];
  const results = both.map((kernels) => {
    const start = kernels[area] + 64 + at;
    kernels.bytes.fill(fence, start - 64, start + octets.length + room + 64);
    kernels.bytes.set(octets, start);
    return work(kernels, start);
  });
  same(results, what);
  const after = both.map(({ bytes, [area]: address }) => {
    return Buffer.from(bytes.buffer, address + at, octets.length + room + 128);
  });
  if (!after[0].equals(after[1])) throw new Difference(`${what}: other bytes`);
  return results[0];
}

/** Both scan the bytes from the state in which they are; returns how many were taken in. */
export function scan(both, at, octets, config, maxPayload, what) {
  const work = (kernels, start) => kernels.scanFrames(start, start + octets.length, config, maxPayload) - start;
  const taken = run(both, 'arenaAddress', at, octets, 0, work, what);
  compareRecords(both);
  return taken;
}

/** Both begin with a new connection. */
export function beginConnection(both) {
  for (const { words, stateAddress } of both) words.fill(0, stateAddress >>> 2, (stateAddress >>> 2) + 16);
}

function compareRecords(both) {
  const counts = both.map(({ words, stateAddress }) => words[(stateAddress >>> 2) + 14]);
  same(counts, 'number of records');
  for (const word of STATE_WORDS) {
    // What a field that does not apply holds is nobody's business: no key and no kind between frames, nothing once stopped.
    const applies = both.map(({ words, stateAddress }) => appliesIn(words, stateAddress >>> 2, word));
    if (applies[0] && applies[1])
      same(
        both.map(({ words, stateAddress }) => words[(stateAddress >>> 2) + word]),
        `state word ${word}`,
      );
    else same(applies, `state word ${word} applies`);
  }
  for (let record = 0; record < counts[0]; record++) {
    const fields = both.map(({ words, recordsAddress, arenaAddress }) => {
      const at = (recordsAddress >>> 2) + 4 * record;
      return [words[at], words[at + 1] - arenaAddress, words[at + 2], words[at + 3]].join();
    });
    same(fields, `record ${record}`);
  }
}

function appliesIn(words, state, word) {
  const phase = words[state];
  if (word === 0 || word === 14) return true;
  if (phase === 2) return false;
  // Between frames: what of a header is held, and the message that is open with its UTF-8.
  if (phase === 0) return word === 1 || word === 13 || (word === 12 && words[state + 13] !== 0);
  return word !== 1;
}
