// Which ways of Node's writing could change, and that each such change keeps writes in the stream.
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { provesDirectWrites } from '../../src/node/direct-write-proof.js';
import { findMechanism, type WriteMechanism, type WriteRequest } from '../../src/node/direct-write.js';

const found = findMechanism()!;
const { hand, oncomplete } = found;

/** A Node that differs from this one in a single thing. */
const CHANGES: [string, Partial<WriteMechanism>][] = [
  ['bytes get lost', { hand: () => 0 }],
  ['bytes are written twice', { hand: (handle, bytes) => hand(handle, bytes) && hand(handle, bytes) }],
  ['a short write passes for a whole one', { hand: (handle, bytes) => Math.min(0, Number(hand(handle, bytes)) || 0) }],
  ['an error passes for a whole write', { hand: (handle, bytes) => swallow(hand(handle, bytes)) }],
  ['a whole write passes for a short one', { hand: (handle, bytes) => hand(handle, bytes) || {} }],
  ['the end of a write is not told', { oncomplete: () => {} }],
  ['the end of a write never fails', { oncomplete: completeWithoutStatus }],
  ['another argument is wanted', { hand: (handle) => hand(handle, undefined as never) }],
];

function swallow(answer: number | WriteRequest): number | WriteRequest {
  return typeof answer === 'number' ? 0 : answer;
}

function completeWithoutStatus(this: WriteRequest): void {
  oncomplete.call(this, 0);
}

/** Whether the proof is not had, be it by an exception. */
function isRefused(mechanism: WriteMechanism): boolean {
  try {
    return !provesDirectWrites(mechanism);
  } catch {
    return true;
  }
}

describe('direct writes', () => {
  it('are proven on every Node that is supported', () => {
    expect(provesDirectWrites(found)).toBe(true);
  });

  it.each(CHANGES)('are not made where %s', (_name, change) => {
    expect(isRefused({ ...found, ...change })).toBe(true);
  });

  it.each(['_write', '_writeGeneric', '_unrefTimer'] as const)('are not made where sockets have no %s', (name) => {
    const prototype = Socket.prototype as unknown as Record<string, unknown>;
    const own = prototype[name];
    prototype[name] = undefined;
    try {
      expect(isRefused(found)).toBe(true);
    } finally {
      prototype[name] = own;
    }
  });
});
