// `BEHAVIOR_TEXT`, `CLOSE_TEXT`, `STANDING_TEXT` and `reason` are the words, marks and sentences for verdicts in all reports.
import { DEAF, DIED, FAULT, type Behavior, type CaseEvent, type CaseResult, type CloseBehavior } from '../result.js';
import { textOf } from './excerpt.js';
import { pythonEvents } from './python.js';
import { standingOf, type Standing } from './report.js';

/** The behaviors as the classic pages spell them. */
export const BEHAVIOR_TEXT: Readonly<Record<Behavior, string>> = {
  OK: 'Pass',
  'NON-STRICT': 'Non-Strict',
  INFORMATIONAL: 'Informational',
  UNIMPLEMENTED: 'Unimplemented',
  FAILED: 'Fail',
};

/** The verdicts on the closing, in words. */
export const CLOSE_TEXT: Readonly<Record<CloseBehavior, string>> = {
  OK: 'closed properly',
  INFORMATIONAL: 'close not judged',
  FAILED: 'close failed',
  'WRONG CODE': 'wrong close code',
  UNCLEAN: 'unclean close',
  'FAILED BY CLIENT': 'TCP not dropped',
};

/** The word for each standing in summaries, and the mark that shows it without colour. */
export const STANDING_TEXT: Readonly<Record<Standing, { label: string; mark: string }>> = {
  ok: { label: 'Pass', mark: '\u2713' },
  informational: { label: 'Informational', mark: 'i' },
  nonStrict: { label: 'Non-Strict', mark: '~' },
  unimplemented: { label: 'Unimplemented', mark: '\u2013' },
  closeFault: { label: 'Close fault', mark: '!' },
  failed: { label: 'Fail', mark: '\u2715' },
  missing: { label: 'Missing', mark: '?' },
};

/** The most events that a reason names, and the most bytes of a payload that it shows. */
const NAMED_EVENTS = 3;
const SHOWN_OCTETS = 24;

/** The reason for a case's standing, in one sentence without its full stop. */
export function reason(result: CaseResult | undefined, ended?: string): string {
  if (result === undefined)
    return ended === undefined ? 'no result: the case was selected but never finished' : sentence(ended);
  switch (standingOf(result)) {
    case 'ok':
    case 'informational':
    case 'unimplemented':
    case 'missing':
      return sentence(result.result);
    case 'nonStrict':
      return leniency(result);
    case 'closeFault':
      return closeReason(result);
    case 'failed':
      return failure(result);
  }
}

/** The sentence of the expectation on non-strict behavior; where there is none, the received and expected events. */
function leniency(result: CaseResult): string {
  const told = result.expectation.split(/(?<=\.)\s/).find((one) => one.includes('non-strict'));
  return told === undefined ? events(result) : sentence(told);
}

function failure(result: CaseResult): string {
  // Without a handshake there are no events to compare.
  if (result.resultClose.startsWith('The WebSocket opening handshake was never')) return sentence(result.result);
  if ([FAULT, DIED, DEAF].some((start) => result.result.startsWith(start))) return sentence(result.result);
  const accepted = Object.values(result.expected).map(pythonEvents);
  // Where the events are right, the result names the mistake.
  const what = accepted.includes(pythonEvents(result.received)) ? sentence(result.result) : events(result);
  const testeeClosed = result.behaviorClose === 'FAILED' && !result.closedByMe && result.remoteCloseCode !== null;
  return testeeClosed ? `${what}; the testee closed with ${result.remoteCloseCode}` : what;
}

function events({ expected, received, description, result }: CaseResult): string {
  const wanted: CaseEvent[] | undefined = expected.OK ?? Object.values(expected)[0];
  // Where the case has its own rule, only the description contains the rule.
  if (wanted === undefined) return `${firstSentence(description)}: ${sentence(result)}`;
  const [came, due] = [named(received), named(wanted)];
  return came === due ? `received ${came}, but with other content than expected` : `received ${came}, expected ${due}`;
}

/** Events in words. */
function named(list: readonly CaseEvent[]): string {
  if (list.length === 0) return 'nothing';
  const names = list.slice(0, NAMED_EVENTS).map(nameOf).join(', ');
  return list.length > NAMED_EVENTS ? `${names} and ${list.length - NAMED_EVENTS} more` : names;
}

/** An event in words. */
export function nameOf(event: CaseEvent): string {
  if (event.kind === 'timeout') return `the end of pause ${event.tag}`;
  const sort = event.kind === 'pong' ? 'pong' : event.binary ? 'binary' : 'text';
  if (event.payload.length === 0) return `${sort} without payload`;
  if (event.payload.length > SHOWN_OCTETS) return `${sort} of ${event.payload.length} bytes`;
  const shown = textOf(event.payload, SHOWN_OCTETS);
  return `${sort} ${shown.startsWith('0x') ? shown : JSON.stringify(shown)}`;
}

function closeReason({ resultClose, wasNotCleanReason }: CaseResult): string {
  const told = wasNotCleanReason === null || resultClose.includes(wasNotCleanReason);
  return sentence(resultClose) + (told ? '' : ` (${wasNotCleanReason})`);
}

function firstSentence(text: string): string {
  return sentence(text.split(/(?<=[.!])\s/)[0]);
}

function sentence(text: string): string {
  return text.replace(/[.!]$/, '');
}
