// Poisons the memory of this thread's kernels, of values, and of the outgoing slab, before a test file is loaded.
import { Memory } from '../../src/codec/outgoing.js';
import { kernels } from '../../src/kernels/index.js';
import { nodeValues } from '../../src/node/values.js';
import { plainValues } from '../../src/values/values.js';
import { KERNELS } from '../support/our-decoders.js';
import { poisonKernels, poisonValues } from '../support/poison.js';

for (const set of [kernels, ...KERNELS]) poisonKernels(set);
for (const values of [plainValues, nodeValues]) poisonValues(values);

// A place in the slab that was given back is nobody's any more. Whatever does not end there stays its owner's.
const reuse = Reflect.get<Memory, 'reuse'>(Memory.prototype, 'reuse');
Memory.prototype.reuse = function (chunk) {
  const { slab } = this;
  const before = slab.at;
  reuse.call(this, chunk);
  if (slab.at !== before) chunk.fill(0xa5);
};
