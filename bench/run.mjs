// `npm run bench`: kernels beside their naive twins and the native addons, and decoding in memory beside the Receiver of
// `ws` with bufferutil, in one process. Prints ratios and writes bench/results/bench-node<version>.json. Needs a build.
import { execFileSync } from 'node:child_process';
import { isUtf8 } from 'node:buffer';
import { statSync } from 'node:fs';
import bufferutil from 'bufferutil';
import { loadWasmKernels, makeJavaScriptKernels } from '../dist/kernels/index.js';
import { ourDecoder, wsDecoder } from './lib/decoders.mjs';
import { makePayload, makeStream } from './lib/frames.mjs';
import { importNaive } from './lib/naive.mjs';
import { makeRow, openResults } from './lib/results.mjs';
import { measure, repeat, summarize } from './lib/rounds.mjs';
import { KERNEL_TIMES, STREAM_TIMES } from './lib/times.mjs';

const results = openResults('bench', 'npm run bench');
const wasm = loadWasmKernels();
const javascript = makeJavaScriptKernels();
const { naiveMask } = await importNaive('mask');
const { naiveUtf8State } = await importNaive('utf8');
const { naiveTranscode } = await importNaive('transcode');
const KEY = 0x3d21fa37;
const LENGTHS = [16, 125, 1024, 16 * 1024];

benchMask();
benchUtf8();
benchTranscode();
benchDecode();
tellModule();
results.write();

function benchMask() {
  const table = results.table('Unmask in place', 'ns of processor time per call');
  for (const length of LENGTHS) {
    const payload = makePayload('binary', length);
    const key = Buffer.alloc(4);
    key.writeInt32LE(KEY);
    const sides = [
      repeat('naive twin', () => naiveMask(payload, KEY).length),
      repeat('JavaScript kernel', () => javascript.mask(javascript.arenaAddress, length, KEY)),
      repeat('WASM kernel', () => wasm.mask(wasm.arenaAddress, length, KEY)),
      repeat('bufferutil.unmask', () => bufferutil.unmask(payload, key)),
      repeat('bufferutil.mask', () => bufferutil.mask(payload, key, payload, 0, length)),
    ];
    const figures = measure(sides, KERNEL_TIMES);
    table.add(makeRow(`${length} B`, figures, againstEach('WASM kernel', ['naive twin', 'bufferutil.unmask'])));
  }
}

function benchUtf8() {
  const table = results.table('Validate UTF-8', 'ns of processor time per call');
  for (const kind of ['ascii', 'cjk']) {
    for (const length of LENGTHS) {
      const payload = makePayload(kind, length);
      for (const { bytes, arenaAddress } of [wasm, javascript]) bytes.set(payload, arenaAddress);
      const sides = [
        repeat('naive twin', () => naiveUtf8State(payload)),
        repeat('JavaScript kernel', () => javascript.isUtf8(javascript.arenaAddress, length)),
        repeat('WASM kernel', () => wasm.isUtf8(wasm.arenaAddress, length)),
        repeat('buffer.isUtf8', () => isUtf8(payload)),
      ];
      const figures = measure(sides, KERNEL_TIMES);
      table.add(makeRow(`${kind} ${length} B`, figures, againstEach('WASM kernel', ['naive twin', 'buffer.isUtf8'])));
    }
  }
}

function benchTranscode() {
  const table = results.table('UTF-8 to UTF-16', 'ns of processor time per call');
  for (const kind of ['ascii', 'cjk']) {
    for (const length of [125, 1024]) {
      const payload = makePayload(kind, length);
      for (const { bytes, arenaAddress } of [wasm, javascript]) bytes.set(payload, arenaAddress);
      const sides = [
        repeat('naive twin', () => naiveTranscode(payload).length),
        repeat('JavaScript kernel', () =>
          javascript.transcode(javascript.arenaAddress, length, javascript.scratchAddress),
        ),
        repeat('WASM kernel', () => wasm.transcode(wasm.arenaAddress, length, wasm.scratchAddress)),
      ];
      const figures = measure(sides, KERNEL_TIMES);
      table.add(makeRow(`${kind} ${length} B`, figures, againstEach('WASM kernel', ['naive twin'])));
    }
  }
}

function benchDecode() {
  const table = results.table(
    'Decode masked frames from 64 KiB chunks into Buffers to keep; a fresh copy of each chunk is made for either side before the clock starts',
    'ns of processor time per message',
  );
  const targets = new Map([
    [16, 10],
    [125, 6],
    [1024, 2],
    [16 * 1024, 0.85],
  ]);
  for (const kind of ['ascii', 'binary']) {
    for (const [length, atLeast] of targets) {
      const stream = makeStream({ kind, length });
      const sides = [ourDecoder('wsimd', stream), wsDecoder('ws + bufferutil', stream)];
      const figures = measure(sides, STREAM_TIMES);
      table.add(makeRow(`${kind} ${length} B`, figures, [{ against: ['ws + bufferutil'], atLeast }]));
    }
  }
}

/** Size of the kernel module, and how long fresh processes took to make kernels of it. */
function tellModule() {
  const { size } = statSync(new URL('../dist/codec.wasm', import.meta.url));
  const url = new URL('../dist/kernels/load.js', import.meta.url).href;
  const program = `const { loadWasmKernels } = await import(${JSON.stringify(url)});
    const before = performance.now();
    if (loadWasmKernels() === undefined) throw new Error('no WASM here');
    console.log(performance.now() - before);`;
  const times = Array.from({ length: 5 }, () => {
    return Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }));
  });
  results
    .table('Load the kernels in a fresh process', 'ms')
    .add(makeRow('decode base64, compile, instantiate', [{ name: 'wsimd', ...summarize(times) }]));
  results.note(`the kernel module is ${size} octets (target <= 16,384: ${size <= 16_384 ? 'met' : 'missed'})`);
}

function againstEach(of, others) {
  return others.map((other) => ({ of, against: [other] }));
}
