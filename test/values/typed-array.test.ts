// Typed arrays are read by their memory, whatever their class says.
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { bytesOf, lengthIn, lengthOf } from '../../src/values/typed-array.js';

/** Says that it is longer than its memory, and has no name. */
class Odd extends Uint8Array {
  override get length(): number {
    return 100;
  }
  override get byteLength(): number {
    return 100;
  }
  override get [Symbol.toStringTag](): never {
    return 'Odd' as never;
  }
}

const foreign = runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array;
const moved = new Uint8Array(3);
structuredClone(moved.buffer, { transfer: [moved.buffer] });

test('lengthOf takes a Uint8Array of any class and realm that tells its length, and nothing else', () => {
  for (const data of [Uint8Array.of(1, 2, 3), Buffer.from('abc'), foreign]) expect(lengthOf(data)).toBe(3);
  expect(lengthOf(moved)).toBe(0);
  for (const data of [new Odd(3), new Int8Array(3), new DataView(new ArrayBuffer(3)), [1, 2, 3], 'abc', null]) {
    expect(lengthOf(data)).toBe(-1);
  }
  expect(lengthIn(new Odd(3))).toBe(3);
});

test('bytesOf views the memory of a typed array, and no other object', () => {
  const memory = Uint8Array.of(9, 1, 2, 3, 4, 9).buffer;
  for (const data of [new Odd(memory, 1, 4), new Uint8Array(memory, 1, 4)]) {
    const bytes = bytesOf(data)!;
    expect([bytes.constructor, bytes.buffer, [...bytes]]).toEqual([Uint8Array, memory, [1, 2, 3, 4]]);
  }
  expect([...bytesOf(new Uint16Array(memory, 2, 2))!]).toEqual([2, 3, 4, 9]);
  expect([...bytesOf(foreign)!]).toEqual([1, 2, 3]);
  expect(bytesOf(moved)).toEqual(new Uint8Array(0));
  for (const data of [new DataView(memory), memory, 'abc', undefined]) expect(bytesOf(data)).toBe(undefined);
});
