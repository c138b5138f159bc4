// `judgeEvents` and `judgeClose` compare the events and the closing of a connection with the outcomes of its case.

import { octetsOf, type Outcome, type ReceivedEvent, type ExpectedEvent } from './case.js';
import type { ClosingFacts } from './facts.js';
import { excerpt } from './recorder.js';
import type { Behavior, CaseEvent, CloseBehavior, ExpectedClose } from './result.js';

/** Whether an event equals the expected one in all bytes. */
export function isSameEvent(received: ReceivedEvent, expected: ExpectedEvent): boolean {
  if (received.kind === 'timeout' || expected.kind === 'timeout') {
    return received.kind === expected.kind && (received as { tag: string }).tag === (expected as { tag: string }).tag;
  }
  if (received.kind === 'message' && expected.kind === 'message' && received.binary !== expected.binary) return false;
  if (received.kind !== expected.kind || received.payload.length !== expected.payload.length) return false;
  return received.payload.equals(octetsOf(expected.payload));
}

/** Whether the received events match the outcome: all of its events, in order, or its own rule. */
export function matches(received: readonly ReceivedEvent[], outcome: Outcome): boolean {
  if (outcome.accepts !== undefined) return outcome.accepts(received);
  const { events } = outcome;
  return received.length === events.length && received.every((event, index) => isSameEvent(event, events[index]));
}

/** An event in the form that results contain. */
export function shownEvent(event: ReceivedEvent | ExpectedEvent): CaseEvent {
  if (event.kind === 'timeout') return event;
  const bytes = Buffer.isBuffer(event.payload) ? event.payload : octetsOf(event.payload);
  return event.kind === 'pong'
    ? { kind: 'pong', payload: excerpt(bytes) }
    : { kind: 'message', payload: excerpt(bytes), binary: event.binary };
}

/** The verdict on the events, the outcome that matched, or the first one, and the reason. */
export function judgeEvents(
  received: readonly ReceivedEvent[],
  outcomes: Outcome[],
): { behavior: Behavior; outcome: Outcome; result: string } {
  const outcome = outcomes.find((candidate) => matches(received, candidate));
  if (outcome !== undefined) {
    return { behavior: outcome.behavior, outcome, result: 'Actual events match at least one expected.' };
  }
  return { behavior: 'FAILED', outcome: outcomes[0], result: 'Actual events differ from any expected.' };
}

/** The verdict on the closing, by the first rule that applies. */
export function judgeClose(
  facts: ClosingFacts,
  expected: ExpectedClose,
  isServer: boolean,
): { behaviorClose: CloseBehavior; resultClose: string } {
  if (facts.closedByMe !== expected.closedByMe) {
    return { behaviorClose: 'FAILED', resultClose: 'The connection was failed by the wrong endpoint' };
  }
  if (expected.requireClean && !facts.wasClean) {
    return {
      behaviorClose: 'UNCLEAN',
      resultClose: `The closing handshake was not clean: ${facts.wasNotCleanReason ?? 'no close frame came'}`,
    };
  }
  const { closeCode: allowed } = expected;
  if (facts.remoteCloseCode !== null && allowed.length > 0 && !allowed.includes(facts.remoteCloseCode)) {
    const codes = [...new Set(allowed)].join(' or ');
    return {
      behaviorClose: 'WRONG CODE',
      resultClose: `The close code was ${facts.remoteCloseCode}; expected is ${codes}, or none`,
    };
  }
  if (!isServer && facts.droppedByMe) {
    return {
      behaviorClose: 'FAILED BY CLIENT',
      resultClose: 'The examiner had to drop TCP, which is for the testee to do',
    };
  }
  return { behaviorClose: 'OK', resultClose: 'Connection was properly closed' };
}
