// `loadWasmKernels` makes a set of kernels in WASM SIMD from the kernels' module, where the platform allows it.
import { kernelModule } from './module.js';
import type { Kernels } from './kernels.js';

type Functions = Pick<Kernels, 'scanFrames' | 'mask' | 'maskFrames' | 'isUtf8' | 'continueUtf8' | 'transcode'>;

/** The exports of assembly/index.ts. */
interface KernelExports extends Functions {
  readonly memory: WebAssembly.Memory;
  readonly stateAddress: () => number;
  readonly recordsAddress: () => number;
  readonly scratchAddress: () => number;
  readonly outgoingAddress: () => number;
  readonly arenaAddress: () => number;
  readonly landingAddress: () => number;
  readonly RECORD_CAPACITY: WebAssembly.Global<'i32'>;
  readonly SCRATCH_LENGTH: WebAssembly.Global<'i32'>;
  readonly OUTGOING_LENGTH: WebAssembly.Global<'i32'>;
  readonly ARENA_LENGTH: WebAssembly.Global<'i32'>;
  readonly LANDING_LENGTH: WebAssembly.Global<'i32'>;
}

/** A WebAssembly.Module, where the user's own declarations know that class. */
export type KernelModule = typeof globalThis extends { WebAssembly: { Module: new (...args: never[]) => infer M } }
  ? M
  : object;

/**
 * Makes a set of WASM SIMD kernels with a memory of its own, from the platform's module unless one is given.
 * @returns undefined where there is no WebAssembly or no SIMD, where a policy refuses to compile (CSP), or where the
 *   platform refuses the memory's address space; never throws
 */
export function loadWasmKernels(module?: KernelModule): Kernels | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  try {
    const compiled = module ?? kernelModule();
    const instance = new WebAssembly.Instance(compiled);
    return describe(instance.exports as unknown as KernelExports);
  } catch {
    return undefined;
  }
}

function describe(exports: KernelExports): Kernels {
  const memory = exports.memory.buffer;
  return {
    name: 'wasm-simd',
    bytes: new Uint8Array(memory),
    words: new Int32Array(memory),
    doubles: new Float64Array(memory),
    stateAddress: exports.stateAddress(),
    recordsAddress: exports.recordsAddress(),
    recordCapacity: exports.RECORD_CAPACITY.value,
    arenaAddress: exports.arenaAddress(),
    arenaLength: exports.ARENA_LENGTH.value,
    landingAddress: exports.landingAddress(),
    landingLength: exports.LANDING_LENGTH.value,
    tenant: undefined,
    scratchAddress: exports.scratchAddress(),
    scratchLength: exports.SCRATCH_LENGTH.value,
    outgoingAddress: exports.outgoingAddress(),
    outgoingLength: exports.OUTGOING_LENGTH.value,
    scanFrames: exports.scanFrames,
    mask: exports.mask,
    maskFrames: exports.maskFrames,
    isUtf8: exports.isUtf8,
    continueUtf8: exports.continueUtf8,
    transcode: exports.transcode,
  };
}
