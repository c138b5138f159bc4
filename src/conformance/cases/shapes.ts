// The two shapes that most cases have: something good is answered, something bad is refused.

import {
  type Case,
  CLEAN,
  type ExpectedEvent,
  failAfter,
  failed,
  type Limit,
  type Outcome,
  type Step,
} from '../case.js';

/** A case whose events must come back exactly, and that the examiner then closes. */
export function answered(
  id: string,
  description: string,
  expectation: string,
  steps: Step[],
  events: ExpectedEvent[],
  limit: Limit,
): Case {
  return {
    id,
    description,
    expectation,
    exam: { kind: 'script', steps, outcomes: [{ behavior: 'OK', events, close: CLEAN }], limit },
  };
}

/** A case that breaks a rule. What came before may be answered; then the testee has to fail the connection. */
export function refused(
  id: string,
  description: string,
  expectation: string,
  steps: Step[],
  before: ExpectedEvent[] = [],
  limit: Limit = failAfter(1),
): Case {
  const close = failed(1002);
  const outcomes = [{ behavior: 'OK' as const, events: before, close }];
  return {
    id,
    description,
    expectation,
    exam: {
      kind: 'script',
      steps,
      outcomes: before.length === 0 ? outcomes : [...outcomes, { behavior: 'NON-STRICT', events: [], close }],
      limit,
    },
  };
}

/** The usual text. */
export const HELLO: string = 'Hello, world!';

/** What is expected when something good comes before something bad. */
export const ECHO_THEN_FAIL: string =
  'The echo of the first message comes back, then the testee fails the connection. To fail without that echo is non-strict.';

/** What has to follow something bad. */
export const FAILS: string = 'The testee fails the connection.';

/** A case with outcomes of its own. */
export function script(
  id: string,
  description: string,
  expectation: string,
  steps: Step[],
  outcomes: Outcome[],
  limit: Limit,
): Case {
  return { id, description, expectation, exam: { kind: 'script', steps, outcomes, limit } };
}

/** A case that only tells what the testee does. */
export function informational(
  id: string,
  description: string,
  steps: Step[],
  events: ExpectedEvent[],
  limit: Limit,
): Case {
  const outcome: Outcome = { behavior: 'INFORMATIONAL', events, close: CLEAN };
  return {
    id,
    description,
    expectation: 'Informational: what does the testee do?',
    exam: { kind: 'script', steps, outcomes: [outcome], limit, informational: true },
  };
}

/** What is expected of many frames at once. */
export const ALL_BACK: string = 'All come back in their order with their content. Then the examiner closes, cleanly.';

/** Cases that are much work for the testee. */
export function alone(cases: readonly Case[]): Case[] {
  return cases.map((one) => ({ ...one, alone: true }));
}
