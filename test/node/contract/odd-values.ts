/** The values that a careless caller passes, and the comparison of what `ws` and this library make of each. */
import { describe, expect, it } from 'vitest';
import { ours, reference, type Implementation } from './implementations.js';

/** A name for the test's title, and a maker, so that no test sees what another has done to the value. */
export type OddValue = readonly [name: string, make: () => unknown];

function throwing(): never {
  throw new RangeError('from a getter');
}

/** An object whose every property throws. */
function trap(): object {
  return new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing, getOwnPropertyDescriptor: throwing });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

export const ODD_VALUES: readonly OddValue[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['true', () => true],
  ['false', () => false],
  ['NaN', () => NaN],
  ['0', () => 0],
  ['-0', () => -0],
  ['1', () => 1],
  ['10', () => 10],
  ['-1', () => -1],
  ['1.5', () => 1.5],
  ['1e21', () => 1e21],
  ['Infinity', () => Infinity],
  ['0n', () => 0n],
  ['10n', () => 10n],
  ["''", () => ''],
  ["'0'", () => '0'],
  ["'10'", () => '10'],
  ["'text'", () => 'text'],
  ["'utf8'", () => 'utf8'],
  ['a Symbol', () => Symbol('odd')],
  ['{}', () => ({})],
  ['[]', () => []],
  ['[1, 2]', () => [1, 2]],
  ["['a', 'b']", () => ['a', 'b']],
  ['a function of two', () => (one: unknown, two: unknown) => (one ? two : one)],
  ['a class', () => class extends Error {}],
  ['a Date', () => new Date(0)],
  ['a RegExp', () => /x/],
  ['an Error', () => new Error('odd')],
  ['a Map', () => new Map([['a', 'b']])],
  ['a Set', () => new Set(['a'])],
  ['a URL', () => new URL('http://odd.example/')],
  ['a Buffer', () => Buffer.from('abc')],
  ['an empty Buffer', () => Buffer.alloc(0)],
  ['a Uint8Array', () => Uint8Array.of(97, 98)],
  ['a Uint16Array', () => Uint16Array.of(97, 98)],
  ['an ArrayBuffer', () => Uint8Array.of(97, 98).buffer],
  ['a SharedArrayBuffer', () => new SharedArrayBuffer(2)],
  ['a DataView', () => new DataView(new ArrayBuffer(3))],
  ['a String object', () => new String('boxed')],
  ['a Number object', () => new Number(10)],
  ['an object with toString', () => ({ toString: () => 'by toString' })],
  ['an object with valueOf', () => ({ valueOf: () => 'by valueOf' })],
  ['an object with length', () => ({ length: 2, 0: 97, 1: 98 })],
  ['an object without a prototype', () => Object.create(null) as object],
  ['an object that inherits', () => Object.create({ binary: true, length: 1, Server: 'x' }) as object],
  ['an object of options', () => Object.freeze({ binary: true, fin: true, host: 'odd', level: 1 })],
  [
    'an object with a getter that throws',
    () => Object.defineProperty({}, 'binary', { enumerable: true, get: throwing }),
  ],
  ['a Proxy', () => new Proxy({ a: 'b' }, {})],
  ['a Proxy that throws', trap],
  ['a revoked Proxy', revoked],
  ['a Promise', () => Promise.resolve(true)],
];

/** What came of a value, as text that both implementations can be held to. */
export type Outcome = string;

/** What a thrown value was, without its text, which may come from the engine. */
export function thrown(error: unknown): Outcome {
  return error instanceof Error ? `throws ${error.constructor.name}` : `throws ${String(error)}`;
}

/** Where the two differ on purpose: by the value's name, this library's outcome. */
export type Differences = Readonly<Record<string, Outcome>>;

/**
 * Tests that a value at one place does the same with `ws` and with this library.
 * @param place where the value goes, for the title
 * @param differences this library's outcome where it is another one on purpose; one that is not needed fails the test
 */
export function comparing(
  place: string,
  outcomeOf: (implementation: Implementation, value: unknown) => Outcome | Promise<Outcome>,
  differences: Differences = {},
  values: readonly OddValue[] = ODD_VALUES,
  expectedOf: (theirs: Outcome) => Outcome = (theirs) => theirs,
): void {
  describe(place, () => {
    it.each(values)('%s', async (name, make) => {
      const [theirs, own] = [await outcomeOf(await reference(), make()), await outcomeOf(await ours(), make())];
      const expected = differences[name] ?? expectedOf(theirs);
      expect(own).toBe(expected);
      if (name in differences) expect(expectedOf(theirs), 'a difference that is none').not.toBe(own);
    });
  });
}
