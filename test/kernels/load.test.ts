import { afterEach, describe, expect, it, vi } from 'vitest';
import { KERNEL_MODULE_BASE64 } from '../../src/kernels/embedded.js';
import { kernels as chosen, loadWasmKernels } from '../../src/kernels/index.js';
import { RECORD_BYTES, STATE_BYTES } from '../../src/spec/record.js';
import { kernelSets } from '../support/kernel-sets.js';
import { rawKernels } from '../support/raw-kernels.js';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

function refuse(error: Error): () => never {
  return function refused() {
    throw error;
  };
}

describe.each(kernelSets)('the memory of $name', (kernels) => {
  it('holds its areas and their slack one after another, aligned', () => {
    const areas = [
      [kernels.stateAddress, STATE_BYTES],
      [kernels.recordsAddress, kernels.recordCapacity * RECORD_BYTES],
      [kernels.scratchAddress, kernels.scratchLength + 64],
      [kernels.outgoingAddress, kernels.outgoingLength + 64],
      [kernels.arenaAddress, kernels.arenaLength + 64],
      [kernels.landingAddress, kernels.landingLength + 64],
    ];
    let free = 1;
    for (const [address, length] of areas) {
      expect(address).toBeGreaterThanOrEqual(free);
      expect(address % 64).toBe(0);
      free = address + length;
    }
    expect(free).toBeLessThanOrEqual(kernels.bytes.length);
  });

  it('is one buffer under three views', () => {
    expect(kernels.words.buffer).toBe(kernels.bytes.buffer);
    expect(kernels.doubles.buffer).toBe(kernels.bytes.buffer);
    expect(kernels.words.byteLength).toBe(kernels.bytes.length);
    expect(kernels.doubles.byteLength).toBe(kernels.bytes.length);
  });
});

describe('the choice of kernels', () => {
  it('falls on WASM SIMD where there is WebAssembly, and on JavaScript where there is none', () => {
    expect(chosen.name).toBe(rawKernels.length === 0 ? 'javascript' : 'wasm-simd');
  });

  const refusals: [string, unknown][] = [
    ['there is no WebAssembly', undefined],
    ['compiling is refused', { Module: refuse(new Error('Content-Security-Policy')) }],
    ['there is no room for a memory', { Module: function Module() {}, Instance: refuse(new RangeError('memory')) }],
    ['instances lack their exports', { Module: function Module() {}, Instance: function Instance() {} }],
  ];
  it.each(refusals)('falls on JavaScript without an error where %s', async (_, replacement) => {
    vi.stubGlobal('WebAssembly', replacement);
    expect(loadWasmKernels()).toBeUndefined();
    vi.resetModules();
    const again = await import('../../src/kernels/index.js');
    expect(again.kernels.name).toBe('javascript');
  });
});

describe.each(rawKernels)('the kernel module', (raw) => {
  it('is at most 16 KB, and imports nothing', () => {
    const octets = Buffer.from(KERNEL_MODULE_BASE64, 'base64');
    expect(octets.length).toBeLessThanOrEqual(16_000);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(octets))).toEqual([]);
  });

  it('may be compiled by the caller', () => {
    const module = new WebAssembly.Module(Buffer.from(KERNEL_MODULE_BASE64, 'base64'));
    const kernels = loadWasmKernels(module);
    expect(kernels?.name).toBe('wasm-simd');
    expect(kernels?.bytes.buffer).not.toBe(chosen.bytes.buffer);
  });

  it('has a memory that never grows', () => {
    expect(() => raw.memory.grow(1)).toThrow(RangeError);
  });

  it('traps or returns on every boundary of its arguments', () => {
    const size = raw.memory.buffer.byteLength;
    const boundaries = [0, 1, 15, 16, size - 16, size - 1, size, 2 ** 31 - 1, 2 ** 31 - 16, -1, -16, -(2 ** 31)];
    for (const name of ['mask', 'maskAndFindAscii', 'isAscii', 'isUtf8', 'continueUtf8', 'transcode', 'encodeHeader']) {
      const kernel = raw[name] as (...numbers: number[]) => unknown;
      for (const first of boundaries) {
        for (const second of boundaries) {
          for (const third of [0, size - 16, -1]) {
            try {
              kernel(first, second, third, third, third);
            } catch (error) {
              expect(error).toBeInstanceOf(WebAssembly.RuntimeError);
            }
          }
        }
      }
    }
    expect(raw.memory.buffer.byteLength).toBe(size);
  });
});
