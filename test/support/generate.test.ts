import { expect, test } from 'vitest';
import { explanation } from './differences-from-ws.js';
import { play, playGenerated } from './feeder.js';
import { describeStream, generateStream } from './generate.js';
import { Random } from './random.js';
import { decodeReference, referenceDecoder } from './reference-decoder.js';
import { wsReceiver } from './ws-receiver.js';

const SEED = Number(process.env.SEED ?? 6455);
const STREAMS = 4000;

test(`the reference decoder and ws make the same of ${STREAMS} generated streams, seed ${SEED}`, () => {
  const random = new Random(SEED);
  const seen = new Set<string>();
  for (let index = 0; index < STREAMS; index++) {
    const stream = generateStream(random);
    const ours = decodeReference(stream.wire, stream.options);
    const cuts = random.oneIn(2) || stream.wire.length === 0 ? [] : [random.below(stream.wire.length)];
    const theirs = play(stream.wire, cuts, wsReceiver(stream.options));
    for (const event of ours) {
      seen.add(event.type === 'violation' ? `violation ${event.violation}` : event.type);
    }
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
      if (explanation(ours, theirs) === undefined) {
        expect(theirs, `stream ${index} of seed ${SEED}: ${describeStream(stream)}`).toEqual(ours);
      }
    }
  }
  const violations = Array.from({ length: 12 }, (_, index) => `violation ${index + 1}`);
  expect([...seen].sort()).toEqual(['close', 'message', 'ping', 'pong', ...violations].sort());
});

test('a seed gives the same stream each time', () => {
  const describeFirst = (seed: number): string => describeStream(generateStream(new Random(seed)));
  expect(describeFirst(7)).toBe(describeFirst(7));
  expect(describeFirst(7)).not.toBe(describeFirst(8));
});

test('a decoder with one fault is found out, and one without is not', () => {
  playGenerated(referenceDecoder, 50);
  const sparing: typeof referenceDecoder = (options) => referenceDecoder({ ...options, maxPayload: 2 ** 31 });
  expect(() => playGenerated(sparing, 500)).toThrow(/of seed 6455/);
});
