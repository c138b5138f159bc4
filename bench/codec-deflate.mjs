// `npm run bench:codec-deflate`: the inflater and deflater of wsimd/codec/deflate beside zlib and fflate, processor time per
// message in one process and in interleaved rounds. Prints tables. `-- --smoke` shows that it runs, `-- --only <text>` is a part.
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { deflateSync, inflateSync } from 'fflate';
import { createDeflater, createInflater } from '../dist/deflate-node.js';
import { Role } from '../dist/spec/frame.js';
import { ZlibHandle } from '../dist/node/deflate/zlib-handle.js';
import { makeMessages } from './lib/deflaters.mjs';
import { makeRow, openResults } from './lib/results.mjs';
import { measure, repeat } from './lib/rounds.mjs';
import { isSmoke, only } from './lib/times.mjs';

const LENGTHS = [
  { length: 125, label: '125 B' },
  { length: 1024, label: '1 KiB' },
  { length: 16_384, label: '16 KiB' },
  { length: 1_048_576, label: '1 MiB' },
];
const MESSAGES = 16;
const LEVEL = 6;
const TIMES = isSmoke ? { rounds: 1, slice: 1, warmUp: 2 } : { rounds: 9, slice: 20, warmUp: 150 };
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const FLUSH = { level: LEVEL, finishFlush: constants.Z_SYNC_FLUSH };

/** What is agreed without takeover, and with it. */
const agreed = (takeover) => ({
  serverNoContextTakeover: !takeover,
  clientNoContextTakeover: !takeover,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
});
const inflater = (takeover) => createInflater(agreed(takeover), Role.Server);
const deflater = (takeover, level = LEVEL) => createDeflater(agreed(takeover), Role.Client, { level });

/** A state of zlib that serves one message after another, as the front door uses it. */
function reused(kind) {
  const handle = new ZlibHandle(kind, { level: LEVEL });
  const room = Buffer.alloc(2 * 1024 * 1024);
  return (input) => {
    handle.write(constants.Z_SYNC_FLUSH, input, 0, input.length, room, 0, room.length);
    const output = Buffer.from(room.subarray(0, room.length - handle.outputLeft));
    handle.reset();
    return output;
  };
}

const results = openResults('codec-deflate', 'npm run bench:codec-deflate');
const tables = {
  inflate: results.table('Decompress a message, no takeover', 'nanoseconds of processor time'),
  deflate: results.table(`Compress a message at level ${LEVEL}, no takeover`, 'nanoseconds of processor time'),
  sizes: results.table(`Compressed at level ${LEVEL}`, 'bytes'),
  turns: results.table('Compress and decompress, takeover, one connection and eight in turn', 'nanoseconds'),
};
for (const { length, label } of LENGTHS) {
  if (!label.includes(only)) continue;
  const messages = makeMessages(length, MESSAGES);
  const payloads = messages.map((message) => deflateRawSync(message, FLUSH));
  const wholes = messages.map((message) => deflateRawSync(message, { level: LEVEL }));
  const cut = payloads.map((payload) => payload.subarray(0, -TAIL.length));
  const taking = (list) => {
    let at = 0;
    return () => list[at++ % list.length];
  };

  const receiver = inflater(false);
  const [inflateReused, deflateReused] = ['inflate', 'deflate'].map(reused);
  const [ours, streams, forReused, forFflate] = [cut, payloads, payloads, wholes].map(taking);
  const comparisons = [{ against: ['zlib'] }, { against: ['zlib, one state'] }, { against: ['fflate'] }];
  const sides = [
    repeat('wsimd', () => receiver.inflate(ours(), Infinity)),
    repeat('zlib', () => inflateRawSync(streams(), FLUSH)),
    repeat('zlib, one state', () => inflateReused(forReused())),
    repeat('fflate', () => inflateSync(forFflate())),
  ];
  tables.inflate.add(makeRow(label, measure(sides, TIMES), comparisons));

  const sender = deflater(false);
  const [one, two, three, four] = Array.from({ length: 4 }, () => taking(messages));
  const senders = [
    repeat('wsimd', () => sender.deflate(one(), true)),
    repeat('zlib', () => deflateRawSync(two(), FLUSH)),
    repeat('zlib, one state', () => deflateReused(three())),
    repeat('fflate', () => deflateSync(four(), { level: LEVEL })),
  ];
  tables.deflate.add(makeRow(label, measure(senders, TIMES), comparisons));

  const size = (name, bytes) => ({ name, median: bytes, lowest: bytes, highest: bytes, samples: [bytes] });
  const mean = (compress) => messages.reduce((sum, message) => sum + compress(message).length, 0) / MESSAGES;
  const sizes = [
    size(
      'wsimd',
      mean((message) => sender.deflate(message, true)),
    ),
    size('zlib', mean((message) => deflateRawSync(message, FLUSH)) - TAIL.length),
    size(
      'fflate',
      mean((message) => deflateSync(message, { level: LEVEL })),
    ),
  ];
  tables.sizes.add(makeRow(label, sizes, comparisons));

  const turn = (count) => {
    const pair = taking(
      Array.from({ length: count }, () => ({
        sender: deflater(true),
        receiver: inflater(true),
        message: taking(messages),
      })),
    );
    return () => {
      const { sender, receiver, message } = pair();
      return receiver.inflate(sender.deflate(message(), true), Infinity);
    };
  };
  const taken = [repeat('wsimd', turn(1)), repeat('eight in turn', turn(8))];
  tables.turns.add(makeRow(label, measure(taken, TIMES), [{ against: ['eight in turn'] }]));
}
