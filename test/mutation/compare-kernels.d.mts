import type { Kernels } from '../../src/kernels/index.js';

export function compareKernels(ours: Kernels, theirs: Kernels, seed: number, rounds: number): string | undefined;
