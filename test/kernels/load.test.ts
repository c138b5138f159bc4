import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { KERNEL_MODULE_BASE64 } from '../../src/kernels/embedded.js';
import { kernels as chosen, loadWasmKernels } from '../../src/kernels/index.js';
import { VERSION } from '../../src/kernels/shared.js';
import { RECORD_BYTES, STATE_BYTES } from '../../src/spec/record.js';
import { kernelSets } from '../support/kernel-sets.js';
import { rawKernels } from '../support/raw-kernels.js';

/** Has the next copy choose anew. */
function forget(): void {
  Reflect.deleteProperty(globalThis, Symbol.for(`wsimd.${VERSION}.kernels`));
}

afterEach(() => {
  forget();
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

describe('copies of the library in one thread', () => {
  it('share one set of kernels, so that 25 of them reserve the address space of one', async () => {
    const first = await import('../../src/kernels/index.js');
    for (let copy = 0; copy < 25; copy++) {
      vi.resetModules();
      const { kernels } = await import('../../src/kernels/index.js');
      expect(kernels).toBe(first.kernels);
    }
    expect(Object.keys(globalThis).some((name) => name.includes('wsimd'))).toBe(false);
  });

  it('share them with no other version', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(VERSION).toBe(version);
  });

  it('carry what lies in them away before another copy uses them', async () => {
    const one = await import('../../src/sans-io.js');
    vi.resetModules();
    const two = await import('../../src/sans-io.js');
    expect(one.Connection).not.toBe(two.Connection);
    const text = 'a text that is not short, with \u{1f600}';
    const pairs = [one, two].map(({ Connection, Role }) => ({
      client: new Connection({ role: Role.Client }),
      server: new Connection({ role: Role.Server }),
    }));
    for (let round = 0; round < 20; round++) {
      // All write before any is taken, and all are taken in before any is dispatched.
      for (const [index, { client }] of pairs.entries())
        for (let at = 0; at < 5; at++) client.send(`${index} ${at} ${text}`);
      const chunks = pairs.map(({ client }) => Buffer.concat(client.takeOutput()));
      for (const [index, { server }] of pairs.entries()) server.receive(chunks[index]);
      for (let at = 0; at < 5; at++) {
        for (const [index, { server }] of pairs.entries()) {
          const event = server.next() as { data: Uint8Array };
          expect(Buffer.from(event.data).toString()).toBe(`${index} ${at} ${text}`);
        }
      }
    }
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
    forget();
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
    // All but those that walk frames, for which any bytes of memory are frames.
    for (const [name, value] of Object.entries(raw)) {
      if (typeof value !== 'function' || /(Address|Frames)$/.test(name)) continue;
      const kernel = value as (...numbers: number[]) => unknown;
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
