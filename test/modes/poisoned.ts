// Poisons the memory of this thread's kernels, of values, and of outgoing chunks, before a test file is loaded.
import { OutMemory } from '../../src/codec/out-memory.js';
import { kernels } from '../../src/kernels/index.js';
import { nodeValues } from '../../src/node/values.js';
import { plainValues } from '../../src/values/values.js';
import { KERNELS } from '../support/our-decoders.js';
import { poisonKernels, poisonValues } from '../support/poison.js';

for (const set of [kernels, ...KERNELS]) poisonKernels(set);
for (const values of [plainValues, nodeValues]) poisonValues(values);

// The memory of a chunk that was given back is free. A chunk that was not stays its owner's.
const reuse = Reflect.get<OutMemory, 'reuse'>(OutMemory.prototype, 'reuse');
OutMemory.prototype.reuse = function (this: OutMemory, chunk: Uint8Array) {
  const isTaken = (this as unknown as { taken: unknown }).taken === chunk;
  reuse.call(this, chunk);
  if (isTaken) chunk.fill(0xa5);
};
