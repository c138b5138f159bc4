// Which worker gets which case: each message is made by as few workers as can be.
import { expect, test } from 'vitest';
import type { Case } from '../../src/conformance/case.js';
import { selectCases } from '../../src/conformance/index.js';
import { phases } from '../../src/conformance/server-plan.js';
import { messagesOf, Shares } from '../../src/conformance/shares.js';

const HEAVY = selectCases({ cases: ['12.*', '13.*'] }, 'server');

/** The cases of each worker, when a worker takes the next one as soon as it has sent the bytes of the last. */
function dealt(cases: readonly Case[], workers: number): Case[][] {
  const shares = new Shares(cases);
  const hands = Array.from({ length: workers }, (): Case[] => []);
  const sent = hands.map(() => 0);
  while (shares.length > 0) {
    const worker = sent.indexOf(Math.min(...sent));
    const one = shares.take(worker)!;
    hands[worker].push(one);
    sent[worker] += one.exam.kind === 'compression' ? one.exam.size : 0;
  }
  return hands;
}

test('cases without messages of their own are taken in their order, and one that is put back is the next', () => {
  const cases = selectCases({ cases: ['1.1.*'] }, 'server');
  const shares = new Shares(cases);
  const first = shares.take(0)!;
  expect(first.id).toBe('1.1.1');
  shares.putBack(first);
  expect(shares.first).toBe(first);
  const ids = cases.map((_, place) => shares.take(place % 3)!.id);
  expect(ids).toEqual(cases.map(({ id }) => id));
  expect(shares.take(0)).toBeUndefined();
});

test.each([2, 4, 8])('%i workers play each case once, and few messages are made by two of them', (workers) => {
  const [{ cases }] = phases(HEAVY, 8, workers).filter((phase) => phase.cases.length > 0);
  const hands = dealt(cases, workers);
  expect(
    hands
      .flat()
      .map(({ id }) => id)
      .sort(),
  ).toEqual(HEAVY.map(({ id }) => id).sort());
  const bytes = (cases: Case[]): number =>
    [...new Set(cases.map(messagesOf))].reduce((sum, messages) => sum + Number.parseInt(messages, 10), 0);
  const made = hands.reduce((sum, hand) => sum + bytes(hand), 0);
  expect(made / bytes(HEAVY)).toBeLessThan(2);
});

test('the longest messages come first, and every worker has a connection', () => {
  const [{ cases, lanes }] = phases(HEAVY, 8, 4).filter((phase) => phase.cases.length > 0);
  expect(messagesOf(cases[0])).toMatch(/^131072 /);
  expect(lanes).toBe(8);
  expect(phases(HEAVY, 1, 4).at(-1)!.lanes).toBe(1);
  expect(phases(HEAVY, 8, 0).at(-1)!.lanes).toBe(4);
});
