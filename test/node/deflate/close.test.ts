// Engines that are closed in the middle of a message: nothing is delivered, nothing stays in the queue, memory is given back.
import { describe, expect, test } from 'vitest';
import { LATER } from '../../../src/extensions/transform.js';
import { turns } from '../../../src/node/deflate/turns.js';
import {
  compressed,
  jsonLike,
  PATHS,
  seeded,
  TAKEOVER,
  NO_TAKEOVER,
  TestDeflater,
  TestInflater,
} from '../../support/deflate.js';

const MiB = 1024 * 1024;
const long = jsonLike(400_000, seeded(1));
const bomb = compressed(Buffer.alloc(3 * MiB));

async function turnsOfTheLoop(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe.each(PATHS)('%s', (path) => {
  const options = { zlibPath: path };

  test('B05: 200 pairs closed in the middle settle, the queue is empty, and a new pair works', async () => {
    const random = seeded(2);
    const pairs = Array.from({ length: 200 }, (_, index) => {
      const direction = index % 2 === 0 ? TAKEOVER : NO_TAKEOVER;
      const inflater = new TestInflater(direction, options);
      const deflater = new TestDeflater(direction, options);
      expect(deflater.engine.deflate(long, true)).toBe(LATER);
      expect(inflater.engine.inflate(bomb, Infinity)).toBe(LATER);
      return { inflater, deflater };
    });
    expect(turns.count).toBe(400);
    while (pairs.length > 0) {
      const [{ inflater, deflater }] = pairs.splice(random(pairs.length), 1);
      const before = inflater.stray.length + deflater.stray.length;
      inflater.close();
      deflater.close();
      inflater.close();
      if (random(20) === 0) await turnsOfTheLoop(random(4));
      expect(inflater.stray.length + deflater.stray.length).toBe(before);
    }
    expect(turns.count).toBe(0);
    await turnsOfTheLoop(20);
    const deflater = new TestDeflater(TAKEOVER, options);
    const inflater = new TestInflater(TAKEOVER, options);
    const deflated = (await deflater.deflate(long)) as Uint8Array;
    expect(Buffer.compare((await inflater.inflate(deflated)) as Uint8Array, long)).toBe(0);
    deflater.close();
    inflater.close();
  });

  test('an engine may be closed by who takes its result, and may be given the next message there', async () => {
    const inflater = new TestInflater(TAKEOVER, options);
    for (let round = 0; round < 3; round += 1) {
      await inflater.inflate(bomb).then((answer) => expect(answer).toHaveLength(3 * MiB));
    }
    inflater.close();
    expect(turns.count).toBe(0);
  });
});
