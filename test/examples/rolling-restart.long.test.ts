// The long form: four workers, each replaced three times over, under load.
import { expect, test } from 'vitest';
import { startExample } from '../support/example.js';

test('four workers are replaced three times over under load: nothing is lost, doubled or out of order', async () => {
  const settings = ['--workers', '4', '--clients', '200', '--window', '2000', '--times', '3'];
  const example = startExample('rolling-restart', ...settings);
  if (example === undefined) return;
  const status = await example.ended;
  console.log(example.said);
  expect(example.said).toContain('0 lost, 0 doubled, 0 out of order');
  expect(example.said.match(/\d+ connections closed, 0 cut/g)).toHaveLength(12);
  expect(status).toBe(0);
}, 180_000);
