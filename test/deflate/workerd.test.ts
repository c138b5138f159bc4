import { expect, test } from 'vitest';
import { canDeflate } from '../../src/deflate/workerd.js';
import { deflateModule } from '../../src/deflate/module.js';
import deployed from '../support/deployed-module.js';

test('in a Worker the module is the one that the platform hands out, also where that is none', () => {
  expect(deflateModule()).toBe(deployed);
  expect(canDeflate()).toBe(false);
});
