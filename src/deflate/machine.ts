// `machine` gives the thread's one instance of the module in which messages are inflated and deflated.
import { UsageError } from '../errors/usage-error.js';
import { shared } from '../kernels/shared.js';
import type { Flush, Inflating } from '../spec/deflate.js';
import { deflateModule } from './module.js';

/** The exports of assembly/deflate/index.ts; addresses and lengths in bytes. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly inputAddress: () => number;
  readonly suspendedAddress: () => number;
  readonly deflatedAddress: () => number;
  readonly admit: (length: number, window: number) => number;
  readonly restart: () => void;
  readonly windowFilled: () => number;
  readonly outputEnd: () => number;
  readonly outputRoom: () => number;
  readonly moveWindow: () => void;
  readonly isBetweenBlocks: () => number;
  readonly suspend: () => void;
  readonly resume: () => void;
  readonly feed: (length: number) => void;
  readonly inflate: (room: number) => Inflating;
  readonly admitDeflater: (
    length: number,
    window: number,
    good: number,
    lazy: number,
    nice: number,
    chain: number,
  ) => number;
  readonly restartDeflater: () => void;
  readonly deflaterFilled: () => number;
  readonly room: (length: number) => number;
  readonly deflate: (length: number, flush: Flush) => number;
}

/** An inflater or deflater whose window lies in the memory of the module, until another of its kind comes. */
export interface Tenant {
  /** Carries all that it needs out of the memory. */
  leave(): void;
}

export interface Machine {
  readonly exports: Exports;
  /** The whole memory, which never grows. */
  readonly bytes: Uint8Array;
  readonly inputAddress: number;
  readonly suspendedAddress: number;
  readonly deflatedAddress: number;
  inflating: Tenant | undefined;
  deflating: Tenant | undefined;
}

function make(): Machine | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  try {
    const exports = new WebAssembly.Instance(deflateModule()).exports as unknown as Exports;
    return {
      exports,
      bytes: new Uint8Array(exports.memory.buffer),
      inputAddress: exports.inputAddress(),
      suspendedAddress: exports.suspendedAddress(),
      deflatedAddress: exports.deflatedAddress(),
      inflating: undefined,
      deflating: undefined,
    };
  } catch {
    // No SIMD, a policy that refuses to compile, or no address space: as with the kernels, but there is no twin.
    return undefined;
  }
}

const made = (): Machine | undefined => shared('deflate', make);

/** Whether messages can be inflated and deflated here: whether there is WebAssembly with SIMD, and a policy lets it compile. */
export function canDeflate(): boolean {
  return made() !== undefined;
}

/**
 * The thread's instance, made at the first call.
 * @throws UsageError where there can be none
 */
export function machine(): Machine {
  const found = made();
  if (found !== undefined) return found;
  throw new UsageError(
    'Compression needs WebAssembly with SIMD, and a policy that lets it compile (CSP: wasm-unsafe-eval): ' +
      'agree on permessage-deflate only where canDeflate() is true',
  );
}
