// The two shapes that most cases have: something good is answered, something bad is refused.

import { type Case, CLEAN, type ExpectedEvent, failAfter, failed, type Limit, type Step } from '../case.js';

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
