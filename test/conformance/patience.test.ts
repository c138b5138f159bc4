import { expect, test } from 'vitest';
import { after } from '../../src/conformance/patience.js';

test('a limit is over when its time has passed, in the order of the limits', async () => {
  const order: string[] = [];
  const begun = performance.now();
  after(0.05, () => order.push('short'));
  const cancel = after(0.06, () => order.push('taken back'));
  cancel();
  await new Promise<void>((resolve) => after(0.1, resolve));
  expect(performance.now() - begun).toBeGreaterThan(85);
  expect(order).toEqual(['short']);
});

test('time in which the process had no turn does not count', async () => {
  let over = false;
  after(0.15, () => (over = true));
  const until = performance.now() + 300;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(over).toBe(false);
  await new Promise<void>((resolve) => after(0.2, resolve));
  expect(over).toBe(true);
});
