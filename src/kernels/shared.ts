// `shared` returns one object to all copies of this version in a thread.

/** The version of the package; copies of different versions share nothing. */
export const VERSION = '8.23.0';

/** One object of the thread, kept where reflection on the global object's names does not show it. */
type Holder = Record<symbol, unknown>;

/**
 * The thread's object of this name, created at the first call. Test runners and hot reloading evaluate a module again and
 * again, and each memory of WebAssembly reserves 10 GiB of address space.
 */
export function shared<T>(name: string, make: () => T): T {
  const key = Symbol.for(`wsimd.${VERSION}.${name}`);
  const holder = globalThis as unknown as Holder;
  if (key in holder) return holder[key] as T;
  const value = make();
  // A frozen global object, as in hardened realms, cannot hold it: each copy then has its own.
  Reflect.defineProperty(holder, key, { value, configurable: true });
  return value;
}
