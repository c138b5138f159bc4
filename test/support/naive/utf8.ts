// Judges and decodes UTF-8 one octet at a time, from the table of well-formed sequences in RFC 3629 4: what the UTF-8
// kernels must equal.

const SEQUENCES: readonly (readonly (readonly [number, number])[])[] = [
  [[0x00, 0x7f]],
  [
    [0xc2, 0xdf],
    [0x80, 0xbf],
  ],
  [
    [0xe0, 0xe0],
    [0xa0, 0xbf],
    [0x80, 0xbf],
  ],
  [
    [0xe1, 0xec],
    [0x80, 0xbf],
    [0x80, 0xbf],
  ],
  [
    [0xed, 0xed],
    [0x80, 0x9f],
    [0x80, 0xbf],
  ],
  [
    [0xee, 0xef],
    [0x80, 0xbf],
    [0x80, 0xbf],
  ],
  [
    [0xf0, 0xf0],
    [0x90, 0xbf],
    [0x80, 0xbf],
    [0x80, 0xbf],
  ],
  [
    [0xf1, 0xf3],
    [0x80, 0xbf],
    [0x80, 0xbf],
    [0x80, 0xbf],
  ],
  [
    [0xf4, 0xf4],
    [0x80, 0x8f],
    [0x80, 0xbf],
    [0x80, 0xbf],
  ],
];

/**
 * The resumable state after all of `octets`, from a character's start: 0, -1, or
 * `needed | lowest << 8 | highest << 16`.
 */
export function naiveUtf8State(octets: Iterable<number>): number {
  let rest: readonly (readonly [number, number])[] = [];
  for (const octet of octets) {
    if (rest.length === 0) rest = SEQUENCES.find(([[low, high]]) => octet >= low && octet <= high) ?? [];
    if (rest.length === 0 || octet < rest[0][0] || octet > rest[0][1]) return -1;
    rest = rest.slice(1);
  }
  return rest.length === 0 ? 0 : rest.length | (rest[0][0] << 8) | (rest[0][1] << 16);
}
