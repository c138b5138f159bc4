// `machine` returns the thread's one instance of the module that inflates and deflates messages.
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

/** An inflater or deflater whose window is in the memory of the module, until another of its kind needs it. */
export interface Tenant {
  /** Copies everything that it needs out of the memory. */
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
    // No SIMD, a policy that refuses to compile, or no address space: as for the kernels, but there is no twin in JavaScript.
    return undefined;
  }
}

const made = (): Machine | undefined => shared('deflate', make);

/** Whether messages can be inflated and deflated here: WebAssembly with SIMD exists, and a policy lets it compile. */
export function canDeflate(): boolean {
  return made() !== undefined;
}

/**
 * The thread's instance, created at the first call.
 * @throws UsageError where it cannot be created
 */
export function machine(): Machine {
  const found = made();
  if (found !== undefined) return found;
  throw new UsageError(
    'Compression needs WebAssembly with SIMD, and a policy that lets it compile (CSP: wasm-unsafe-eval): ' +
      'agree on permessage-deflate only where canDeflate() is true',
  );
}
