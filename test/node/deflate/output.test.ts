import { describe, expect, test } from 'vitest';
import { exactCopy, Output } from '../../../src/node/deflate/output.js';

const MiB = 1024 * 1024;

/** Fills an output to `length` bytes, each step as much as there is room for, and counts the buffers. */
function fill(output: Output, length: number): number {
  const buffers = new Set([output.buffer]);
  while (output.length < length) {
    const room = Math.min(output.room(), length - output.length);
    buffers.add(output.buffer);
    output.buffer.fill(0x61, output.length, output.length + room);
    output.length += room;
  }
  return buffers.size;
}

describe('output in steps', () => {
  test('begins with a copy of what is there', () => {
    const begun = Buffer.from('begun');
    const output = new Output(begun, 10);
    begun.fill(0);
    expect(output.take(0).toString()).toBe('begun');
  });

  test('has the exact length, in memory of its own', () => {
    for (const length of [0, 1, 65_536, 300_000, 3 * MiB]) {
      const output = new Output(new Uint8Array(0), 4 * MiB);
      fill(output, length);
      const taken = output.take(0);
      expect(taken).toHaveLength(length);
      expect(taken.buffer.byteLength).toBe(length);
    }
  });

  test('leaves out what is cut', () => {
    expect(new Output(Buffer.from('abcdef'), 6).take(4).toString()).toBe('ab');
  });

  test('doubles its buffer up to 1 MiB, and then reserves once what is still to come', () => {
    const output = new Output(new Uint8Array(65_536), 100 * MiB);
    expect(fill(output, 99 * MiB)).toBe(5);
    expect(output.buffer).toHaveLength(100 * MiB);
    const taken = output.take(0);
    expect(taken).toHaveLength(99 * MiB);
    output.discard();
    expect(taken).toHaveLength(0);
  });

  test('goes on where the estimate was too low', () => {
    const output = new Output(new Uint8Array(0), 10);
    fill(output, 5 * MiB);
    expect(output.take(0).every((octet) => octet === 0x61)).toBe(true);
  });

  test('gives its memory back at once, that of a buffer it has outgrown too', () => {
    const output = new Output(new Uint8Array(MiB), 64 * MiB);
    const outgrown = output.buffer;
    fill(output, 2 * MiB + 1);
    expect(outgrown).toHaveLength(0);
    expect(output.buffer.length).toBeGreaterThan(MiB);
    output.discard();
    expect(output.buffer).toHaveLength(0);
  });
});

test('an exact copy shares no memory', () => {
  const source = Buffer.from('abcdef');
  const copy = exactCopy(source, 3);
  expect(copy.toString()).toBe('abc');
  expect(copy.buffer.byteLength).toBe(3);
});
