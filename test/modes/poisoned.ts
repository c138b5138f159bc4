// Poisons the memory of this thread's kernels, of values, and of the outgoing slab, before a test file is loaded.
import { Outgoing } from '../../src/codec/outgoing.js';
import { kernels } from '../../src/kernels/index.js';
import { nodeValues } from '../../src/node/values.js';
import { plainValues } from '../../src/values/values.js';
import { KERNELS } from '../support/our-decoders.js';
import { poisonKernels, poisonValues } from '../support/poison.js';

for (const set of [kernels, ...KERNELS]) poisonKernels(set);
for (const values of [plainValues, nodeValues]) poisonValues(values);

// A chunk that was given back is nobody's any more.
const reuse = Reflect.get<Outgoing, 'reuse'>(Outgoing.prototype, 'reuse');
Outgoing.prototype.reuse = function (chunk) {
  chunk.fill(0xa5);
  reuse.call(this, chunk);
};
