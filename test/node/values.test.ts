// The memory that the payloads of several reads share: places that do not overlap, and that nobody takes away.
import { expect, test } from 'vitest';
import { makeNodeValues } from '../../src/node/values.js';

test('the payloads of several reads lie beside each other without overlapping', () => {
  const values = makeNodeValues();
  const [first, second] = [values.slab(13), values.slab(13)];
  expect(second.buffer).toBe(first.buffer);
  first.fill(1);
  second.fill(2);
  expect([...first, ...second]).toEqual([...Array(13).fill(1), ...Array(13).fill(2)]);
  expect(Buffer.isBuffer(first)).toBe(true);
});

test('no slab is written past its end, and long reads have memory of their own', () => {
  const values = makeNodeValues();
  const memories = new Set<ArrayBufferLike>();
  for (let i = 0; i < 9; i++) memories.add(values.slab(16 * 1024).buffer);
  expect(Array.from(memories, ({ byteLength }) => byteLength)).toEqual([65_536, 65_536, 65_536]);
  expect(values.slab(16 * 1024 + 1).buffer.byteLength).toBe(16 * 1024 + 1);
});

test('the owner of a message cannot take a slab away from the others', () => {
  const values = makeNodeValues();
  const [mine, theirs] = [values.slab(8).fill(1), values.slab(8).fill(2)];
  const memory = mine.buffer as ArrayBuffer;
  const { port1, port2 } = new MessageChannel();
  try {
    // Node 20 copies what may not be transferred; later versions throw.
    port1.postMessage(memory, [memory]);
  } catch (error) {
    expect(error).toMatchObject({ name: 'DataCloneError' });
  }
  port1.close();
  port2.close();
  expect([...theirs]).toEqual(Array(8).fill(2));
});

test('after a slab was taken away all the same, the next read has another', () => {
  const values = makeNodeValues();
  const memory = values.slab(8).buffer as ArrayBuffer & { transfer?: () => ArrayBuffer };
  try {
    memory.transfer?.();
  } catch {
    // From Node 24 on it cannot be.
  }
  expect(values.slab(8).length).toBe(8);
});
