// `answered` and `refused` are the shapes of most cases: good bytes are answered, bad ones are refused.

import {
  type Case,
  CLEAN,
  type ExpectedEvent,
  failAfter,
  failed,
  type Limit,
  type Outcome,
  type ReceivedEvent,
  type Step,
} from '../case.js';
import { isSameEvent } from '../judge.js';
import type { ExpectedClose } from '../result.js';

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

/**
 * Accepts messages in their order and pongs in theirs, and leaves free how the two are mixed: RFC 6455 5.5.2 wants a pong "as soon as
 * practical", and 5.5.3 lets one pong answer all pings before it, so pongs may be missing but the last.
 */
export function mixed(events: readonly ExpectedEvent[]): (received: readonly ReceivedEvent[]) => boolean {
  const pongs = events.filter(({ kind }) => kind === 'pong');
  const others = events.filter(({ kind }) => kind !== 'pong');
  return (received) => {
    const answers = received.filter(({ kind }) => kind === 'pong');
    const rest = received.filter(({ kind }) => kind !== 'pong');
    if (rest.length !== others.length || answers.length > pongs.length) return false;
    const last = pongs.at(-1);
    if (last !== undefined && (answers.length === 0 || !isSameEvent(answers.at(-1)!, last))) return false;
    let at = 0;
    for (const answer of answers) {
      while (at < pongs.length && !isSameEvent(answer, pongs[at])) at++;
      if (at++ >= pongs.length) return false;
    }
    return rest.every((event, index) => isSameEvent(event, others[index]));
  };
}

/** A case of our own with pings besides messages: see {@link mixed}. */
export function answeredFreely(
  id: string,
  description: string,
  expectation: string,
  steps: Step[],
  events: ExpectedEvent[],
  limit: Limit,
): Case {
  const outcome: Outcome = { behavior: 'OK', events, accepts: mixed(events), close: CLEAN };
  return { id, description, expectation, exam: { kind: 'script', steps, outcomes: [outcome], limit } };
}

/** A case that breaks a rule. Good bytes before it may be answered; then the testee has to fail the connection. */
export function refused(
  id: string,
  description: string,
  expectation: string,
  steps: Step[],
  before: ExpectedEvent[] = [],
  limit: Limit = failAfter(1),
  close: ExpectedClose = failed(1002),
): Case {
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

/** Said of pings between messages. */
export const MIXED: string =
  'All come back with their content, messages in their order. A pong may come before or after the echo of a message. ' +
  'Then the examiner closes, cleanly.';

/** The usual text. */
export const HELLO: string = 'Hello, world!';

/** The outcome when something good comes before something bad. */
export const ECHO_THEN_FAIL: string =
  'The echo of the first message comes back, then the testee fails the connection. To fail without that echo is non-strict.';

/** The events that follow something bad. */
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

/** A case that only tells the testee's behaviour. */
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

/** The outcome of many frames at once. */
export const ALL_BACK: string = 'All come back in their order with their content. Then the examiner closes, cleanly.';

/** Cases that are much work for the testee. */
export function alone(cases: readonly Case[]): Case[] {
  return cases.map((one) => ({ ...one, alone: true }));
}

/** Bytes without a period that a mask or a lost byte could hide behind. */
export function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = length + 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
