import { expect, test } from 'vitest';
import { kernelModule } from '../../src/kernels/module-workerd.js';
import deployed from '../support/deployed-module.js';

test('in a Worker the kernels’ module is the one that the platform hands out', () => {
  expect(kernelModule()).toBe(deployed);
});
