import { expect, test } from 'vitest';
import '../../src/kernels/module-workerd.js';
import { kernelModule } from '../../src/kernels/module.js';
import deployed from '../support/deployed-module.js';

test('in a Worker the kernels’ module is the one that the platform hands out', () => {
  expect(kernelModule()).toBe(deployed);
});
