import { expect, test } from 'vitest';
import type { CaseResult } from '../../src/conformance/index.js';
import { HeldResults, Results } from '../../src/conformance/results.js';

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

test('of the held results, those that do not pass are yielded in the end, with the newest word of each', async () => {
  const results = new HeldResults();
  const made = (id: string, behavior: string, result: string, wasClean = true): CaseResult =>
    ({ id, behavior, behaviorClose: 'OK', result, wasClean }) as CaseResult;
  results.hold(made('1', 'OK', 'Refused.'));
  results.hold(made('2', 'NON-STRICT', 'Refused.'));
  for (const id of ['3', '4', '5', '6', '8']) results.hold(made(id, 'FAILED', 'Silent.'));
  results.replace(made('4', 'FAILED', 'Silent again.'));
  results.replace(made('5', 'OK', 'Right.'));
  results.replace(made('7', 'FAILED', 'Never held.'));
  results.replace(made('8', 'FAILED', 'Dropped.', false));
  results.add(made('6', 'OK', 'Right.'));
  results.close();
  const said: string[] = [];
  for await (const { id, behavior, result } of results) said.push(`${id} ${behavior} ${result}`);
  expect(said).toEqual(['6 OK Right.', '3 FAILED Silent. It was not run again alone.', '4 FAILED Silent again.']);
});
