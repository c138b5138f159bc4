import { expect, test } from 'vitest';
import { Results } from '../../src/conformance/results.js';

async function collect(results: Results<number>, into: number[]): Promise<void> {
  for await (const one of results) into.push(one);
}

test('what is added is yielded in its order, before and after a caller waits, until the end', async () => {
  const results = new Results<number>();
  const seen: number[] = [];
  results.add(1);
  const done = collect(results, seen);
  await Promise.resolve();
  results.add(2);
  results.add(3);
  results.close();
  results.add(4);
  await done;
  expect(seen).toEqual([1, 2, 3]);
});

test('an error is thrown after what was added before it', async () => {
  const results = new Results<number>();
  const seen: number[] = [];
  results.add(1);
  results.close(new Error('over'));
  await expect(collect(results, seen)).rejects.toThrow('over');
  expect(seen).toEqual([1]);
});
