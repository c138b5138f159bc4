// `argumentKinds` lists what a caller may pass for bytes or text, each with the bytes that it means, or none where it is refused.
import { createContext, runInContext } from 'node:vm';

export interface ArgumentKind {
  readonly name: string;
  /** The argument; new each time, since a call may keep it. */
  readonly make: () => unknown;
  /** The payload that it means; undefined where it is a mistake. */
  readonly bytes: Uint8Array | undefined;
  /** Whether it is text, which only payloads may be. */
  readonly isText: boolean;
}

const ASCII = Uint8Array.from({ length: 120 }, (_, index) => 97 + (index % 26));

const realm = createContext();

function foreign(code: string): unknown {
  return runInContext(code, realm);
}

function memory(length: number): ArrayBuffer {
  return ASCII.slice(0, length).buffer;
}

function bytes(name: string, length: number, make: () => unknown): ArgumentKind {
  return { name, make, bytes: ASCII.slice(0, length), isText: false };
}

function text(name: string, value: string): ArgumentKind {
  return { name, make: () => value, bytes: new Uint8Array(Buffer.from(value)), isText: true };
}

function refused(name: string, make: () => unknown): ArgumentKind {
  return { name, make, bytes: undefined, isText: false };
}

function shared(length: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(length);
  new Uint8Array(buffer).set(ASCII.subarray(0, length));
  return buffer;
}

function resizable(length: number): ArrayBuffer {
  // TypeScript's library of ES2022 does not know the option.
  const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
  const buffer = new Resizable(length, { maxByteLength: 2 * length });
  new Uint8Array(buffer).set(ASCII.subarray(0, length));
  return buffer;
}

function detached(view: ArrayBufferView<ArrayBuffer>): ArrayBufferView {
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

/** A Uint8Array that tells a length which is not its own. */
function liar(real: number, told: number): Uint8Array {
  class Liar extends Uint8Array {
    override get length(): number {
      return told;
    }
    override get byteLength(): number {
      return told;
    }
  }
  return new Liar(memory(real));
}

export const argumentKinds: readonly ArgumentKind[] = [
  bytes('Uint8Array', 5, () => new Uint8Array(memory(5))),
  bytes('empty Uint8Array', 0, () => new Uint8Array(0)),
  bytes('Uint8Array of 120', 120, () => new Uint8Array(memory(120))),
  bytes('view into memory', 3, () => new Uint8Array(memory(120)).subarray(0, 3)),
  bytes('Buffer', 7, () => Buffer.from(memory(7))),
  bytes('Uint8ClampedArray', 5, () => new Uint8ClampedArray(memory(5))),
  bytes('Int8Array', 5, () => new Int8Array(memory(5))),
  bytes('Uint16Array', 6, () => new Uint16Array(memory(6))),
  bytes('Int32Array', 8, () => new Int32Array(memory(8))),
  bytes('Float64Array', 16, () => new Float64Array(memory(16))),
  bytes('BigInt64Array', 96, () => new BigInt64Array(memory(96))),
  bytes('BigUint64Array into memory', 16, () => new BigUint64Array(memory(120), 0, 2)),
  bytes('DataView', 3, () => new DataView(memory(9), 0, 3)),
  bytes('ArrayBuffer', 3, () => memory(3)),
  bytes('empty ArrayBuffer', 0, () => new ArrayBuffer(0)),
  bytes('SharedArrayBuffer', 9, () => shared(9)),
  bytes('view of a SharedArrayBuffer', 9, () => new Uint8Array(shared(9))),
  bytes('resizable ArrayBuffer', 9, () => resizable(9)),
  bytes('view that follows a resizable ArrayBuffer', 9, () => new Uint8Array(resizable(9))),
  bytes("another realm's Uint8Array", 3, () => foreign('Uint8Array.of(97, 98, 99)')),
  bytes("another realm's ArrayBuffer", 3, () => foreign('Uint8Array.of(97, 98, 99).buffer')),
  bytes("another realm's DataView", 3, () => foreign('new DataView(Uint8Array.of(97, 98, 99).buffer)')),
  bytes('detached Uint8Array', 0, () => detached(new Uint8Array(5))),
  bytes('subclass that tells more', 4, () => liar(4, 90)),
  bytes('subclass that tells less', 4, () => liar(4, 2)),
  bytes('subclass that tells nonsense', 4, () => liar(4, NaN)),
  bytes('own length', 4, () => Object.defineProperty(new Uint8Array(memory(4)), 'length', { value: 100 })),
  bytes('no prototype', 4, () => Object.setPrototypeOf(new Uint8Array(memory(4)), null) as unknown),
  text('text', 'abc'),
  text('empty text', ''),
  text('text that is not ASCII', 'é€😀'.repeat(8)),
  text('text with a lone surrogate', 'a\ud800b'),
  refused('detached ArrayBuffer', () => detached(new Uint8Array(5)).buffer),
  refused('detached DataView', () => detached(new DataView(new ArrayBuffer(5)))),
  refused('null', () => null),
  refused('number', () => 66),
  refused('NaN', () => NaN),
  refused('bigint', () => 42n),
  refused('boolean', () => true),
  refused('symbol', () => Symbol('a')),
  refused('object', () => ({})),
  refused('object with a length', () => ({ length: 3, byteLength: 3, 0: 97, 1: 98, 2: 99 })),
  refused('object that calls itself an ArrayBuffer', () => ({ [Symbol.toStringTag]: 'ArrayBuffer', byteLength: 3 })),
  refused('object made of ArrayBuffer.prototype', () => Object.create(ArrayBuffer.prototype) as unknown),
  refused('object made of Uint8Array.prototype', () => Object.create(Uint8Array.prototype) as unknown),
  refused('array of numbers', () => [97, 98, 99]),
  refused('array with a hole', () => Array(2)),
  refused('String object', () => Object('abc') as unknown),
  refused('Proxy of a Uint8Array', () => new Proxy(new Uint8Array(3), {})),
  refused('function', () => () => ASCII),
  refused('Blob', () => new Blob(['abc'])),
  refused('Promise', () => Promise.resolve(ASCII)),
  refused('Date', () => new Date(0)),
];
