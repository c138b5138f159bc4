// Judges UTF-8 one byte at a time, by the grammar of RFC 3629 4: what the UTF-8 kernels must equal.

type Range = readonly [lowest: number, highest: number];

const TAIL: Range = [0x80, 0xbf];

/** RFC 3629 4: each line is one way to write a character. */
const CHARACTERS: readonly (readonly Range[])[] = [
  [[0x00, 0x7f]],
  [[0xc2, 0xdf], TAIL],
  [[0xe0, 0xe0], [0xa0, 0xbf], TAIL],
  [[0xe1, 0xec], TAIL, TAIL],
  [[0xed, 0xed], [0x80, 0x9f], TAIL],
  [[0xee, 0xef], TAIL, TAIL],
  [[0xf0, 0xf0], [0x90, 0xbf], TAIL, TAIL],
  [[0xf1, 0xf3], TAIL, TAIL, TAIL],
  [[0xf4, 0xf4], [0x80, 0x8f], TAIL, TAIL],
];

/**
 * The resumable state after all of `octets`, from the state `from`: 0 between characters, -1 when no bytes that follow
 * make it UTF-8, else `needed | lowest << 8 | highest << 16`.
 */
export function naiveUtf8State(octets: Iterable<number>, from = 0): number {
  let state = from;
  for (const octet of octets) {
    state = state === 0 ? afterFirst(octet) : afterNext(octet, state);
    if (state === -1) {
      return -1;
    }
  }
  return state;
}

function afterFirst(octet: number): number {
  const character = CHARACTERS.find(([[lowest, highest]]) => octet >= lowest && octet <= highest);
  if (character === undefined) {
    return -1;
  }
  return character.length === 1 ? 0 : awaiting(character.length - 1, character[1]);
}

function afterNext(octet: number, state: number): number {
  const needed = state & 0xff;
  if (octet < ((state >> 8) & 0xff) || octet > ((state >> 16) & 0xff)) {
    return -1;
  }
  return needed === 1 ? 0 : awaiting(needed - 1, TAIL);
}

function awaiting(needed: number, [lowest, highest]: Range): number {
  return needed | (lowest << 8) | (highest << 16);
}
