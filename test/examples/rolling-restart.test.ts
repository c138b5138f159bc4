// `examples/rolling-restart`: workers are replaced one after another, and no client loses a message or gets one twice.
import { expect, test } from 'vitest';
import { startExample } from '../support/example.js';

test('two workers are replaced while clients talk: nothing is lost, doubled or out of order', async () => {
  const example = startExample('rolling-restart', '--workers', '2', '--clients', '10', '--window', '300');
  if (example === undefined) return;
  const status = await example.ended;
  expect(example.said).toContain('0 lost, 0 doubled, 0 out of order');
  expect(example.said.match(/\d+ connections closed, 0 cut/g)).toHaveLength(2);
  expect(status).toBe(0);
});
