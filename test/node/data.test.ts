/** The arguments of send and close, as values of this and of other realms. */
import { describe, expect, it } from 'vitest';
import { createContext, runInContext } from 'node:vm';
import { isBlob, toCallback, toPayload, toReason } from '../../src/node/data.js';

const realm = createContext({});
const foreign = (code: string): unknown => runInContext(code, realm);

describe('data', () => {
  it.each([
    ['Uint8Array', 'Uint8Array.of(1, 2)'],
    ['DataView', 'new DataView(Uint8Array.of(1, 2).buffer)'],
    ['ArrayBuffer', 'Uint8Array.of(1, 2).buffer'],
    ['array', '[1, 2]'],
  ])('a foreign realm’s %s is its bytes', (_name, code) => {
    expect(Buffer.from(toPayload(foreign(code) as Uint8Array) as Uint8Array)).toEqual(Buffer.from([1, 2]));
  });

  it('a Blob is one by its methods, whatever class made it', () => {
    expect(isBlob(new Blob(['x']))).toBe(true);
    expect(isBlob(new File(['x'], 'name'))).toBe(true);
    const own = { arrayBuffer() {}, stream() {}, type: '', [Symbol.toStringTag]: 'Blob' };
    expect(isBlob(own)).toBe(true);
    expect(isBlob({ ...own, [Symbol.toStringTag]: 'Response' })).toBe(false);
    for (const value of [null, undefined, 'Blob', 1, {}, [], Buffer.from('x'), new DataView(new ArrayBuffer(1))]) {
      expect(isBlob(value)).toBe(false);
    }
  });

  it('a callback is a function or nothing, and else the TypeError of a stream', () => {
    const callback = (): void => {};
    expect(toCallback(callback)).toBe(callback);
    for (const none of [undefined, null, false, 0, '', 'utf8', 'buffer']) expect(toCallback(none)).toBeUndefined();
    for (const odd of [5, true, {}, [], Symbol('odd'), 'no encoding']) {
      expect(() => toCallback(odd)).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_ENCODING' }));
    }
  });

  it('a reason of a foreign realm’s Uint8Array is taken', () => {
    const reason = foreign('Uint8Array.of(104, 105)') as Uint8Array;
    expect(toReason(1000, reason)).toBe(reason);
    expect(toReason(1011, new Error('odd'))).toBe('');
    expect(() => toReason(1011, null)).toThrow(TypeError);
  });
});
