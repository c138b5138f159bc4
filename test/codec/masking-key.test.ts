import { expect, test } from 'vitest';
import { maskingKeys } from '../../src/codec/masking-key.js';
import { nodeValues } from '../../src/node/values.js';
import { plainValues, type Values } from '../../src/values/values.js';

/** Values whose random bytes come from `random`. */
function valuesWith(random: (into: Uint8Array) => void): Values {
  return { ...plainValues, random };
}

test.each([
  ['plain', plainValues],
  ['node', nodeValues],
])('10.3 a hundred thousand keys from %s values are evenly spread, and few repeat', (_, values) => {
  const draw = maskingKeys(values);
  const total = 100_000;
  const counts = [0, 1, 2, 3].map(() => new Uint32Array(256));
  const seen = new Set<number>();
  for (let i = 0; i < total; i++) {
    const key = draw();
    seen.add(key);
    for (let octet = 0; octet < 4; octet++) counts[octet][(key >>> (8 * octet)) & 0xff]++;
  }
  // Among 1e5 keys of 2^32 about 1.2 pairs are equal; 20 have a chance below 1e-15.
  expect(total - seen.size).toBeLessThan(20);
  for (const count of counts) {
    const expected = total / 256;
    let chiSquare = 0;
    for (const found of count) chiSquare += (found - expected) ** 2 / expected;
    // 255 degrees of freedom: mean 255, deviation 22.6; beyond eight deviations lies less than one run in 1e12.
    expect(chiSquare).toBeGreaterThan(255 - 8 * 22.6);
    expect(chiSquare).toBeLessThan(255 + 8 * 22.6);
  }
});

test('5.3 draws each key from fresh bytes, wipes what was used, and shares one pool for one source', () => {
  const pools = new Set<Uint8Array>();
  let filled = 0;
  const values = valuesWith((into) => {
    pools.add(into);
    for (let i = 0; i < into.length; i++) into[i] = 1 + ((filled + i) % 255);
    filled += into.length;
  });
  const first = maskingKeys(values);
  const second = maskingKeys(values);
  expect(first()).toBe(0x04030201);
  expect(second()).toBe(0x08070605);
  const [pool] = pools;
  expect([...pool.subarray(0, 9)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 9]);
  for (let at = 8; at < pool.length; at += 4) first();
  expect(pool.every((octet) => octet === 0)).toBe(true);
  expect(filled).toBe(pool.length);
  second();
  expect([pools.size, filled]).toEqual([1, 2 * pool.length]);
});

test('5.3 a source that throws gives no key, and is asked again for the next', () => {
  let isBroken = true;
  const draw = maskingKeys(
    valuesWith((into) => {
      into.fill(7);
      if (isBroken) throw new Error('no entropy');
    }),
  );
  expect(draw).toThrow('no entropy');
  expect(draw).toThrow('no entropy');
  isBroken = false;
  expect(draw()).toBe(0x07070707);
});

test('5.3 a source of the caller is asked once for each key, and its bytes are wiped', () => {
  const asked: Uint8Array[] = [];
  const draw = maskingKeys(plainValues, (into) => {
    asked.push(into);
    into.set([1, 2, 3, 0x84]);
  });
  expect([draw(), draw()]).toEqual([0x84030201 | 0, 0x84030201 | 0]);
  expect(asked.length).toBe(2);
  expect([...asked[0]]).toEqual([0, 0, 0, 0]);
});

test('5.3 a source of the caller that sends a frame while it makes a key keeps that key', () => {
  let depth = 0;
  const inner: number[] = [];
  const draw: () => number = maskingKeys(plainValues, (into) => {
    into.fill(++depth);
    if (depth === 1) inner.push(draw());
  });
  expect([draw(), inner]).toEqual([0x01010101, [0x02020202]]);
});
