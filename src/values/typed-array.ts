// `lengthOf` and `bytesOf` read typed arrays of any realm past what their class has defined over them.

type Getter<T> = (this: unknown) => T;

/** An accessor that reads the object itself, whatever its class or the caller has defined over it. */
export function getter<T>(prototype: object, name: PropertyKey): Getter<T> {
  // Every runtime has these accessors (ECMAScript 23.2.3, 25.3.4).
  // oxlint-disable-next-line unbound-method -- it is called with the object that it reads
  return Object.getOwnPropertyDescriptor(prototype, name)!.get as Getter<T>;
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
/** The name of a typed array's class; undefined for a DataView. */
const className = getter<string | undefined>(typedArray, Symbol.toStringTag);
const memory = getter<ArrayBufferLike>(typedArray, 'buffer');
const offset = getter<number>(typedArray, 'byteOffset');
const byteLength = getter<number>(typedArray, 'byteLength');

/**
 * The number of bytes of a Uint8Array or Buffer, which is copied as it is; -1 for other data, and for a class whose
 * `length` differs from its memory's. The engine reads both lengths without a call; the accessor would make it look
 * at the class.
 */
export function lengthOf(data: unknown): number {
  if (className.call(data) !== 'Uint8Array') return -1;
  const told = (data as Uint8Array).length;
  return byteLength.call(data) === told ? told : -1;
}

/** The number of bytes that a typed array has in its memory, whatever its `length` says: none once that was detached. */
export function lengthIn(data: Uint8Array): number {
  return byteLength.call(data);
}

/**
 * The bytes of a typed array, without copying, as a Uint8Array with the length of its memory; none once that was detached.
 * Undefined for other data.
 */
export function bytesOf(data: unknown): Uint8Array | undefined {
  if (className.call(data) === undefined) return undefined;
  const length = byteLength.call(data);
  return length === 0 ? new Uint8Array(0) : new Uint8Array(memory.call(data), offset.call(data), length);
}
