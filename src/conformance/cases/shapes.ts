// `answered` and `refused` build most cases: the testee must answer good bytes and refuse bad ones.

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

/** A case that accepts exactly these events; the examiner then closes. */
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
 * Accepts messages in their order and pongs in theirs, however the two are mixed. RFC 6455 5.5.2 demands a pong "as soon as
 * is practical", and 5.5.3 lets one pong answer all pings before it, so that only the last pong is required.
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

/** As `answered`, with pings among the messages: see {@link mixed}. */
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

/**
 * A case in which the examiner breaks a rule. The testee answers the good bytes before that, `before`, and fails the
 * connection; without those answers it is NON-STRICT.
 */
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

/** The expectation of a case with pings among messages. */
export const MIXED: string =
  'All come back with their content, messages in their order. A pong may come before or after the echo of a message. ' +
  'Then the examiner closes, cleanly.';

/** The text that most cases send. */
export const HELLO: string = 'Hello, world!';

/** The expectation of a case whose good message comes before bad bytes. */
export const ECHO_THEN_FAIL: string =
  'The echo of the first message comes back, then the testee fails the connection. To fail without that echo is non-strict.';

/** The expectation of a case with bad bytes. */
export const FAILS: string = 'The testee fails the connection.';

/** A case with these outcomes. */
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

/** A case that shows the testee's behaviour and judges nothing. */
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

/** The expectation of a case with many frames at once. */
export const ALL_BACK: string = 'All come back in their order with their content. Then the examiner closes, cleanly.';

/** Marks cases that are so much work for the testee that no other case may run beside them. */
export function alone(cases: readonly Case[]): Case[] {
  return cases.map((one) => ({ ...one, alone: true }));
}

/** Bytes without a period, so that a wrong mask or a lost byte shows. */
export function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = length + 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
