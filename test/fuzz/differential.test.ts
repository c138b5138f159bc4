import { expect, test } from 'vitest';
import { DIFFERENCES } from '../support/differences-from-ws.js';
import { runsLong } from '../support/long.js';
import { KERNELS } from '../support/our-decoders.js';
import { examine, newTally, type Disagreement } from './differential.js';
import { examineInflating, INFLATING_DIFFERENCES, makeInflating } from './inflating.js';
import { makeBatch, type Input } from './inputs.js';
import { say } from './job.js';
import { describe, parse, shrink } from './shrink.js';

const SEED = Number(process.env['SEED'] ?? 6455);
const BATCHES = runsLong ? 1500 : 300;
const INFLATING_BATCHES = runsLong ? 60 : 20;

/** The inputs make thousands of errors; what fails is examined again with stacks. */
function withoutStacks<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function fail(input: Input, disagreement: Disagreement): never {
  expect.fail(
    `seed ${SEED}: ${say(disagreement)}\n  again with npm run fuzz -- --replay and this in a file: ${describe(input)}`,
  );
}

test(`5-8 all decoders and ws make the same of ${BATCHES} batches of streams whole and cut, seed ${SEED}`, () => {
  const tally = newTally();
  for (let batch = 0; batch < BATCHES; batch++) {
    for (const input of makeBatch(SEED, batch)) {
      const disagreement = withoutStacks(() => examine(input, tally));
      if (disagreement !== undefined) fail(input, examine(input, newTally()) ?? disagreement);
    }
  }
  expect(tally.inputs).toBeGreaterThan(10 * BATCHES);
  // Every input is cut for each set of kernels.
  expect(2 * tally.splits).toBeGreaterThan(KERNELS.length * tally.inputs);
  const listed = DIFFERENCES.map(({ name }) => name);
  expect(listed).toEqual(expect.arrayContaining(Object.keys(tally.differences)));
}, 120_000);

test(`RFC 7692 7.2.2 both engines, zlib and ws make the same of ${INFLATING_BATCHES} batches of compressed streams`, async () => {
  const tally = newTally();
  for (let batch = 0; batch < INFLATING_BATCHES; batch++) {
    for (const input of makeInflating(SEED, batch)) {
      const disagreement = await examineInflating(input, tally);
      if (disagreement !== undefined) fail(input, disagreement);
    }
  }
  expect(tally.inflating).toBeGreaterThan(10 * INFLATING_BATCHES);
}, 120_000);

test('no more than ten differences from ws are listed', () => {
  expect(DIFFERENCES.length + Object.keys(INFLATING_DIFFERENCES).length).toBeLessThanOrEqual(10);
});

test('an input that fails is shrunk to what matters, written down and read again', () => {
  const input = makeBatch(SEED, 3).find(({ wire }) => wire.includes(0x81))!;
  const fails = ({ wire }: Input): boolean => wire.includes(0x81);
  const smallest = shrink(input, fails);
  expect(parse(describe(smallest))).toEqual({
    options: { role: input.options.role },
    wire: Uint8Array.of(0x81),
    cuts: [],
    turn: input.turn,
  });
});

test('a seed gives the same batch each time, and each batch is another', () => {
  const describeAll = (seed: number, batch: number): string => makeBatch(seed, batch).map(describe).join();
  expect(describeAll(7, 1)).toBe(describeAll(7, 1));
  expect(new Set([describeAll(7, 1), describeAll(7, 2), describeAll(8, 1)]).size).toBe(3);
});
