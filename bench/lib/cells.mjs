// Which loads the echo bench puts on the servers: the table that has targets, and the whole grid.

const KIB = 1024;
const MIB = 1024 * KIB;
/** A cell may have at most this many octets under way. */
const UNDER_WAY = 64 * MIB;

/**
 * `targets`: against the better of `ws` and `ws` + bufferutil, against uWebSockets.js, and on the public 'data' path against
 * `ws`; undefined where only reported.
 */
export const TABLE = [
  { kind: 'ascii', length: 16, connections: 50, depth: 64, targets: [16, 2.5, 14] },
  { kind: 'ascii', length: 16, connections: 500, depth: 64, targets: [16, 2.5, 12] },
  { kind: 'ascii', length: 125, connections: 50, depth: 64, targets: [16, 2.5, 14] },
  { kind: 'ascii', length: 125, connections: 500, depth: 64, targets: [16, 2.5, 12] },
  { kind: 'ascii', length: KIB, connections: 50, depth: 64, targets: [6.5, 1.5, 5.5] },
  { kind: 'ascii', length: 125, connections: 50, depth: 1, targets: [1.3, 0.75, 1.1] },
  { kind: 'ascii', length: 125, connections: 500, depth: 1, targets: [1.2, 0.65, 1] },
  { kind: 'ascii', length: 16 * KIB, connections: 50, depth: 4, targets: [1.2, undefined, 0.85] },
  { kind: 'ascii', length: 64 * KIB, connections: 10, depth: 8, targets: [0.95, undefined, 0.6] },
  { kind: 'ascii', length: MIB, connections: 4, depth: 1, targets: [1.1, undefined, 0.9] },
];

/** How cost grows: one message under way on each connection, row by row. */
export const GROWTH = [16, KIB, 16 * KIB, 256 * KIB, MIB, 16 * MIB].map((length) => ({
  length,
  connections: [1, 10, 100, 1000, 10_000].filter((connections) => connections * length <= UNDER_WAY),
}));

export const GRID = [
  ...['ascii', 'cjk', 'binary'].flatMap((kind) =>
    [1, 50, 500].flatMap((connections) =>
      [16, 125, KIB, 16 * KIB, 64 * KIB, MIB].flatMap((length) =>
        [1, 64].map((depth) => ({ kind, length, connections, depth })),
      ),
    ),
  ),
  ...[125, 16 * KIB].flatMap((length) => {
    return [1, 64].map((depth) => ({ kind: 'ascii', length, connections: 50, depth, isTls: true }));
  }),
].filter(({ connections, depth, length }) => connections * depth * length <= UNDER_WAY);

/** Streams to decode: kind and length of the messages, and the length of the chunks that they come in. */
export const DECODING = [
  ['ascii', 16, 65_536],
  ['ascii', 16, 1460],
  ['ascii', 125, 65_536],
  ['ascii', 125, 1460],
  ['ascii', KIB, 65_536],
  ['ascii', KIB, 1460],
  ['ascii', 16 * KIB, 65_536],
  ['cjk', 125, 65_536],
  ['cjk', KIB, 65_536],
  ['binary', 65_536, 65_536],
  ['binary', MIB, 65_536],
];

/** How many frames are written before they are taken: 64, as in one tick of a busy server, or what makes 64 KiB, where a transport writes at once. */
export function batchOf(length) {
  return Math.max(1, Math.min(64, Math.floor(65_536 / length)));
}
