import { expect, test } from 'vitest';
import { keptHandles, KeptHandles } from '../../../src/node/deflate/kept-handles.js';
import { KEPT_HANDLES } from '../../../src/node/deflate/limits.js';
import { jsonLike, seeded, TAKEOVER, TestDeflater, TestInflater } from '../../support/deflate.js';

test('the handle unused for longest goes first', () => {
  const gone: number[] = [];
  const kept = new KeptHandles(3);
  const keepers = [0, 1, 2, 3, 4].map((number) => ({ letGo: () => gone.push(number) }));
  for (const keeper of keepers.slice(0, 3)) kept.keep(keeper);
  kept.keep(keepers[0]);
  expect(gone).toEqual([]);
  kept.keep(keepers[3]);
  kept.drop(keepers[2]);
  kept.keep(keepers[4]);
  expect(gone).toEqual([1]);
  kept.keep(keepers[1]);
  expect(gone).toEqual([1, 0]);
  expect(kept.count).toBe(3);
});

test('RFC 7692 7.1.1: more connections than handles keep their contexts all the same, and close without a trace', async () => {
  const random = seeded(1);
  const connections = Array.from({ length: 2 * KEPT_HANDLES }, () => ({
    message: jsonLike(400 + random(3000), random),
    deflater: new TestDeflater(TAKEOVER, { zlibPath: 'handle' }),
    inflater: new TestInflater(TAKEOVER, { zlibPath: 'handle' }),
  }));
  for (let round = 0; round < 3; round += 1) {
    for (const { message, deflater, inflater } of connections) {
      const piece = round === 1 ? message.subarray(100) : message;
      const deflated = (await deflater.deflate(piece)) as Uint8Array;
      expect(Buffer.compare((await inflater.inflate(deflated)) as Uint8Array, piece)).toBe(0);
      // What was sent before is referred to, although the handle has gone meanwhile.
      if (round > 0) expect(deflated.length).toBeLessThan(150);
    }
    expect(keptHandles.count).toBe(KEPT_HANDLES);
  }
  for (const { deflater, inflater } of connections) {
    deflater.close();
    inflater.close();
  }
  expect(keptHandles.count).toBe(0);
});

test('a handle at work does not go', async () => {
  const busy = new TestDeflater(TAKEOVER, { zlibPath: 'handle' });
  const inflater = new TestInflater(TAKEOVER, { zlibPath: 'handle' });
  const message = jsonLike(300_000, seeded(2));
  const answer = busy.deflate(message);
  const others = Array.from({ length: KEPT_HANDLES + 1 }, () => new TestDeflater(TAKEOVER, { zlibPath: 'handle' }));
  for (const other of others) await other.deflate(Buffer.from('others'));
  expect(Buffer.compare((await inflater.inflate((await answer) as Uint8Array)) as Uint8Array, message)).toBe(0);
  for (const other of [...others, busy]) other.close();
  inflater.close();
  expect(keptHandles.count).toBe(0);
});
