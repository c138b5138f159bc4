import { constants, inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { DeflateAgreement } from '../../../src/extensions/permessage-deflate.js';
import { LATER } from '../../../src/extensions/transform.js';
import { Budget } from '../../../src/node/deflate/budget.js';
import { checkEngineOptions, createDeflater, createInflater, zlibPath } from '../../../src/node/deflate/engines.js';
import { Role } from '../../../src/spec/frame.js';
import { turns } from '../../../src/node/deflate/turns.js';
import { ZlibHandle } from '../../../src/node/deflate/zlib-handle.js';
import {
  compressed,
  type Direction,
  jsonLike,
  NO_TAKEOVER,
  noise,
  PATHS,
  seeded,
  TAKEOVER,
  TestDeflater,
  TestInflater,
} from '../../support/deflate.js';

/** A budget whose clock stands, so that it is never spent. */
const ENDLESS = new Budget(() => 0);
/** One whose every reading of the clock is past all that a turn has. */
const spent = (): Budget => {
  let time = 0;
  return new Budget(() => (time += 1000));
};

/** The client forgets, the server keeps. */
const AGREED: DeflateAgreement = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 9,
};

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const LENGTHS = [0, 1, 5, 200, 5000, 65_535, 65_536, 65_537, 400_000, 0, 1_200_000, 7];

/** Inflates one byte of output at a time, so that every distance is held against the window itself. */
function inflateWithin(windowBits: number, payload: Uint8Array): Buffer | Error {
  const handle = new ZlibHandle('inflate', { windowBits });
  const input = Buffer.concat([payload, TAIL]);
  const output: number[] = [];
  const octet = new Uint8Array(1);
  let read = 0;
  for (;;) {
    const error = handle.write(constants.Z_SYNC_FLUSH, input, read, input.length, octet, 0, 1);
    if (error !== undefined) return error;
    read = input.length - handle.inputLeft;
    if (handle.outputLeft === 1) return Buffer.from(output);
    output.push(octet[0]);
  }
}

/** Resolves in a turn in which nothing of zlib's was done. */
async function untilIdle(): Promise<void> {
  while (!turns.isIdle) await new Promise((resolve) => setImmediate(resolve));
}

test('the handles of this Node pass the self-test', () => {
  expect(zlibPath()).toBe('handle');
});

test('a number of messages side by side that means nothing is refused', () => {
  expect(() => checkEngineOptions({ concurrencyLimit: Number.NaN })).toThrow(RangeError);
  expect(() => checkEngineOptions({ concurrencyLimit: -1 })).toThrow(RangeError);
  expect(() => checkEngineOptions({ concurrencyLimit: 0 })).not.toThrow();
});

test('parameters that zlib refuses are refused at the line of the caller', () => {
  expect(() => checkEngineOptions({ zlibDeflateOptions: { level: 10 } })).toThrow(RangeError);
  expect(() => checkEngineOptions({ zlibInflateOptions: { chunkSize: 1 } })).toThrow(RangeError);
  expect(() => checkEngineOptions({ zlibDeflateOptions: { level: 1, memLevel: 9, windowBits: 8 } })).not.toThrow();
});

describe.each(PATHS)('%s', (path) => {
  const options = { zlibPath: path };

  describe.each([true, false])('context takeover %s', (contextTakeover) => {
    test.each([8, 9, 12, 15])('messages of every length come back whole with windowBits %i', async (windowBits) => {
      const random = seeded(windowBits);
      const direction: Direction = { windowBits, contextTakeover };
      const deflater = new TestDeflater(direction, options);
      const inflater = new TestInflater(direction, options);
      for (const length of LENGTHS) {
        const message = random(2) === 0 ? jsonLike(length, random) : noise(length, random);
        const deflated = (await deflater.deflate(message)) as Uint8Array;
        expect(Buffer.compare((await inflater.inflate(deflated)) as Uint8Array, message)).toBe(0);
      }
      deflater.close();
      inflater.close();
      expect(turns.count).toBe(0);
    });

    test('RFC 7692 7.2.1: fragments are flushed, share their context, and only the last loses its tail', async () => {
      const deflater = new TestDeflater({ windowBits: 15, contextTakeover }, options);
      const random = seeded(3);
      const message = jsonLike(900, random);
      for (let round = 0; round < 3; round += 1) {
        const first = (await deflater.deflate(message, false)) as Uint8Array;
        const none = (await deflater.deflate(new Uint8Array(0), false)) as Uint8Array;
        const second = (await deflater.deflate(message, true)) as Uint8Array;
        expect(Buffer.from(first.subarray(-4))).toEqual(TAIL);
        expect(none).toHaveLength(0);
        expect(second.length).toBeLessThan(30);
        const whole = Buffer.concat([first, second, TAIL]);
        if (round === 0 || !contextTakeover) {
          const inflated = inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH });
          expect(inflated).toEqual(Buffer.concat([message, message]));
        }
      }
      deflater.close();
    });

    test('RFC 7692 7.2.3.6: an empty message is one byte, also as the last fragment', async () => {
      const deflater = new TestDeflater({ windowBits: 15, contextTakeover }, options);
      const empty = new Uint8Array(0);
      expect(Array.from((await deflater.deflate(empty)) as Uint8Array)).toEqual([0x00]);
      const first = (await deflater.deflate(Buffer.from('Hello'), false)) as Uint8Array;
      const last = (await deflater.deflate(empty, true)) as Uint8Array;
      const inflater = new TestInflater({ windowBits: 15, contextTakeover }, options);
      expect(await inflater.inflate(Buffer.concat([first, last]))).toEqual(Buffer.from('Hello'));
      expect(await inflater.inflate(Buffer.from([0x00]))).toHaveLength(0);
      deflater.close();
      inflater.close();
    });
  });

  test('RFC 7692 7.1.1: without context takeover equal messages compress to equal bytes, with it to fewer', async () => {
    const message = jsonLike(1000, seeded(1));
    for (const [direction, same] of [
      [NO_TAKEOVER, true],
      [TAKEOVER, false],
    ] as const) {
      const deflater = new TestDeflater(direction, options);
      const first = (await deflater.deflate(message)) as Uint8Array;
      const second = (await deflater.deflate(message)) as Uint8Array;
      expect(Buffer.compare(first, second) === 0).toBe(same);
      expect(second.length <= first.length).toBe(true);
      deflater.close();
    }
  });

  test.each([8, 9, 10])('RFC 7692 7.1.2: no distance reaches beyond a window of %i bits', async (windowBits) => {
    const random = seeded(windowBits);
    // Repeats at distances up to 1,300 bytes.
    const parts = Array.from({ length: 100 }, (_, index) => {
      const word = noise(6, random);
      return Buffer.concat([word, noise(13 * index, random), word]);
    });
    const message = Buffer.concat(parts).subarray(0, 65_536);
    expect(inflateWithin(windowBits, compressed(message))).toBeInstanceOf(Error);
    const deflater = new TestDeflater({ windowBits, contextTakeover: true }, options);
    for (const piece of [message, message.subarray(0, 200), message.subarray(0, 200)]) {
      const deflated = (await deflater.deflate(piece)) as Uint8Array;
      if (piece !== message) continue;
      const inflated = inflateWithin(windowBits, deflated);
      expect(inflated instanceof Error ? inflated : Buffer.compare(inflated, message)).toBe(0);
    }
    deflater.close();
  });

  test('zlibDeflateOptions reach zlib: level 0 stores, level 9 is not longer than level 1', async () => {
    const message = jsonLike(20_000, seeded(4));
    const lengths: number[] = [];
    for (const level of [0, 1, 9]) {
      const deflater = new TestDeflater(NO_TAKEOVER, { ...options, zlibDeflateOptions: { level } });
      lengths.push(((await deflater.deflate(message)) as Uint8Array).length);
      deflater.close();
    }
    expect(lengths[0]).toBeGreaterThan(message.length);
    expect(lengths[2]).toBeLessThan(lengths[1]);
  });

  test('compression with takeover uses a window of 12 bits unless zlibDeflateOptions says otherwise', async () => {
    const random = seeded(5);
    const word = noise(3000, random);
    const message = Buffer.concat([word, noise(6000, random), word]);
    const lengths: number[] = [];
    for (const windowBits of [undefined, 12, 15]) {
      const deflater = new TestDeflater(TAKEOVER, { ...options, zlibDeflateOptions: { windowBits } });
      lengths.push(((await deflater.deflate(message)) as Uint8Array).length);
      deflater.close();
    }
    expect(lengths[0]).toBe(lengths[1]);
    expect(lengths[2]).toBeLessThan(lengths[1] - 2000);
  });

  test('a preset dictionary is used by both sides, in every message', async () => {
    const dictionary = Buffer.from('a dictionary that both sides hold before the first message');
    for (const direction of [TAKEOVER, NO_TAKEOVER]) {
      const both = { ...options, zlibDeflateOptions: { dictionary }, zlibInflateOptions: { dictionary } };
      const deflater = new TestDeflater(direction, both);
      const inflater = new TestInflater(direction, both);
      for (let round = 0; round < 3; round += 1) {
        const deflated = (await deflater.deflate(dictionary)) as Uint8Array;
        expect(deflated.length).toBeLessThan(10);
        expect(await inflater.inflate(deflated)).toEqual(dictionary);
      }
      deflater.close();
      inflater.close();
    }
  });

  test('a short message is answered at once, a long one later and never during the call', async () => {
    await untilIdle();
    let delivered = 0;
    const count = (): void => {
      delivered += 1;
    };
    const inflater = createInflater(AGREED, Role.Server, options, count, ENDLESS);
    const deflater = createDeflater(AGREED, Role.Server, options, count, ENDLESS);
    expect(inflater.inflate(compressed(Buffer.alloc(60_000)), Infinity)).toHaveLength(60_000);
    expect(deflater.deflate(Buffer.alloc(60_000), true)).not.toBe(LATER);
    expect(inflater.inflate(compressed(Buffer.alloc(200_000)), Infinity)).toBe(LATER);
    expect(deflater.deflate(Buffer.alloc(200_000), true)).toBe(LATER);
    expect(delivered).toBe(0);
    expect(turns.count).toBe(2);
    await untilIdle();
    expect(delivered).toBe(2);
    inflater.close();
    deflater.close();
  });

  test('while others are at work, a message that takes long leaves this thread, and one that does not is answered at once', async () => {
    await untilIdle();
    const busy = new TestDeflater(NO_TAKEOVER, options, ENDLESS);
    const deflater = new TestDeflater(TAKEOVER, options, ENDLESS);
    const inflater = new TestInflater(TAKEOVER, options, ENDLESS);
    const messages = [500, 60_000, 800, 30_000, 900].map((length) => jsonLike(length, seeded(length)));
    for (let round = 0; round < 2; round++) {
      const later: Promise<unknown>[] = [];
      for (const message of messages) {
        const [isLight, isBusy] = [message.length < 1000, turns.count > 0];
        const deflated = deflater.engine.deflate(message, true);
        expect(deflated === LATER).toBe(isBusy && !isLight);
        const wire = (await deflater.settle(deflated)) as Uint8Array;
        if (turns.count === 0) later.push(busy.deflate(jsonLike(200_000, seeded(1))));
        // What one message was inflated to tells how long the next is thought to take.
        expect(Buffer.compare((await inflater.inflate(wire)) as Uint8Array, message)).toBe(0);
        if (turns.count === 0) later.push(busy.deflate(jsonLike(200_000, seeded(1))));
      }
      await Promise.all(later);
      await untilIdle();
    }
    for (const engine of [busy, deflater, inflater]) engine.close();
  });

  test.each([NO_TAKEOVER, TAKEOVER])(
    'short messages go on later where the turn has no time left: %j',
    async (direction) => {
      const budget = spent();
      const deflater = new TestDeflater(direction, options, budget);
      const inflater = new TestInflater(direction, options, budget);
      const random = seeded(9);
      for (const length of [1, 5, 1000, 16_384, 16_385, 60_000, 65_536, 0, 70_000]) {
        // One of them makes more than a step's output.
        const message = length === 1000 ? Buffer.alloc(300_000) : jsonLike(length, random);
        budget.charge(0);
        expect([budget.isSpent, length]).toEqual([true, length]);
        const payload = Uint8Array.from(message);
        const parts: Uint8Array[] = [];
        const half = length >> 1;
        for (const final of [false, true]) {
          const [from, to] = final ? [half, payload.length] : [0, half];
          const answer = deflater.engine.deflate(payload.subarray(from, to), final);
          expect(answer === LATER).toBe(to > from);
          const deflated = deflater.settle(answer);
          payload.fill(0xa5, from, to);
          parts.push((await deflated) as Uint8Array);
          budget.charge(0);
        }
        const wire = Uint8Array.from(Buffer.concat(parts));
        const later = inflater.engine.inflate(wire, Infinity);
        expect(later).toBe(LATER);
        const inflated = inflater.settle(later);
        wire.fill(0xa5);
        expect(Buffer.compare((await inflated) as Uint8Array, message), `${length}`).toBe(0);
      }
      // Bad data and messages that are too long fail as at once.
      budget.charge(0);
      expect(await inflater.inflate(compressed(Buffer.alloc(1000)), 999)).toMatchObject({ closeCode: 1009 });
      inflater.close();
      const another = new TestInflater(direction, options, budget);
      budget.charge(0);
      expect(await another.inflate(Uint8Array.of(0xff, 0xff))).toMatchObject({ closeCode: 1007 });
      // What is closed while it waits is not delivered.
      budget.charge(0);
      const closed = new TestDeflater(direction, options, budget);
      expect(closed.engine.deflate(jsonLike(100, random), true)).toBe(LATER);
      closed.close();
      deflater.close();
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      expect([turns.count, closed.stray.length]).toEqual([0, 0]);
    },
  );

  test('a payload may be overwritten as soon as the call has returned', async () => {
    const message = jsonLike(300_000, seeded(6));
    const deflater = new TestDeflater(TAKEOVER, options);
    const inflater = new TestInflater(TAKEOVER, options);
    const payload = Uint8Array.from(message);
    const deflated = deflater.deflate(payload);
    payload.fill(0xa5);
    const compressedPayload = Uint8Array.from((await deflated) as Uint8Array);
    const inflated = inflater.inflate(compressedPayload);
    compressedPayload.fill(0xa5);
    expect(Buffer.compare((await inflated) as Uint8Array, message)).toBe(0);
    deflater.close();
    inflater.close();
  });

  test('a result is never touched again', async () => {
    const random = seeded(7);
    const deflater = new TestDeflater(TAKEOVER, options);
    const inflater = new TestInflater(TAKEOVER, options);
    const kept: { message: Buffer; deflated: Uint8Array; copy: Buffer; inflated: Uint8Array }[] = [];
    for (const length of [10, 1000, 70_000, 10, 1000]) {
      const message = jsonLike(length, random);
      const deflated = (await deflater.deflate(message)) as Uint8Array;
      const inflated = (await inflater.inflate(deflated)) as Uint8Array;
      kept.push({ message, deflated, copy: Buffer.from(deflated), inflated });
    }
    for (const { message, deflated, copy, inflated } of kept) {
      expect(Buffer.compare(deflated, copy)).toBe(0);
      expect(Buffer.compare(inflated, message)).toBe(0);
    }
    deflater.close();
    inflater.close();
  });

  test('RFC 7692 7.1: each direction follows what was agreed for its sender', () => {
    const message = jsonLike(1000, seeded(8));
    for (const role of [Role.Client, Role.Server]) {
      const peer = role === Role.Client ? Role.Server : Role.Client;
      const deflater = createDeflater(AGREED, role, options, () => {}, ENDLESS);
      const inflater = createInflater(AGREED, peer, options, () => {}, ENDLESS);
      const deflated = [1, 2].map(() => deflater.deflate(message, true) as Uint8Array);
      expect(Buffer.compare(deflated[0], deflated[1]) === 0).toBe(role === Role.Client);
      for (const payload of deflated) expect(inflater.inflate(payload, Infinity)).toEqual(message);
      deflater.close();
      inflater.close();
    }
  });

  test('an engine that was never used closes', () => {
    createInflater(AGREED, Role.Client, options, () => {}).close();
    createDeflater(AGREED, Role.Client, options, () => {}).close();
    expect(turns.count).toBe(0);
  });
});
