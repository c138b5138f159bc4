// Verdicts -> the words, marks and sentences by which every report names them.
import type { Behavior, CaseEvent, CaseResult, CloseBehavior } from '../result.js';
import { pythonEvents } from './python.js';
import { standingOf, type Standing } from './report.js';

/** How the classic pages spell a behavior. */
export const BEHAVIOR_TEXT: Readonly<Record<Behavior, string>> = {
  OK: 'Pass',
  'NON-STRICT': 'Non-Strict',
  INFORMATIONAL: 'Informational',
  UNIMPLEMENTED: 'Unimplemented',
  FAILED: 'Fail',
};

/** A close verdict in a reader's words. */
export const CLOSE_TEXT: Readonly<Record<CloseBehavior, string>> = {
  OK: 'closed properly',
  INFORMATIONAL: 'close not judged',
  FAILED: 'close failed',
  'WRONG CODE': 'wrong close code',
  UNCLEAN: 'unclean close',
  'FAILED BY CLIENT': 'TCP not dropped',
};

/** What summaries call a standing, and the mark that tells it from the others without colour. */
export const STANDING_TEXT: Readonly<Record<Standing, { label: string; mark: string }>> = {
  ok: { label: 'Pass', mark: '\u2713' },
  informational: { label: 'Informational', mark: 'i' },
  nonStrict: { label: 'Non-Strict', mark: '~' },
  unimplemented: { label: 'Unimplemented', mark: '\u2013' },
  closeFault: { label: 'Close fault', mark: '!' },
  failed: { label: 'Fail', mark: '\u2715' },
  missing: { label: 'Missing', mark: '?' },
};

/** Characters of an event list that a reason shows. */
const EVENTS_CUT = 90;

/** Why a case stands as it does, in one sentence without its full stop. */
export function reason(result: CaseResult | undefined): string {
  if (result === undefined) return 'no result: the case was selected but never finished';
  switch (standingOf(result)) {
    case 'ok':
    case 'informational':
    case 'unimplemented':
    case 'missing':
      return sentence(result.result);
    case 'nonStrict':
      return events(result, 'where a strict endpoint gives');
    case 'closeFault':
      return closeReason(result);
    case 'failed':
      return failure(result);
  }
}

function failure(result: CaseResult): string {
  const accepted = Object.values(result.expected).map(pythonEvents);
  // Where the events were right the result itself says what was wrong.
  const what = accepted.includes(pythonEvents(result.received)) ? sentence(result.result) : events(result, 'expected');
  const testeeClosed = result.behaviorClose === 'FAILED' && !result.closedByMe && result.remoteCloseCode !== null;
  return testeeClosed ? `${what}; the testee closed with ${result.remoteCloseCode}` : what;
}

function events(result: CaseResult, verb: string): string {
  const wanted: CaseEvent[] | undefined = result.expected.OK ?? Object.values(result.expected)[0];
  // Where a rule of the case's own judges, only the description tells what the rule is about.
  if (wanted === undefined) return `${firstSentence(result.description)}: ${sentence(result.result)}`;
  return `received ${cut(pythonEvents(result.received))}, ${verb} ${cut(pythonEvents(wanted))}`;
}

function closeReason({ resultClose, wasNotCleanReason }: CaseResult): string {
  const told = wasNotCleanReason === null || resultClose.includes(wasNotCleanReason);
  return sentence(resultClose) + (told ? '' : ` (${wasNotCleanReason})`);
}

function cut(text: string): string {
  return text.length > EVENTS_CUT ? `${text.slice(0, EVENTS_CUT)} ...` : text;
}

function firstSentence(text: string): string {
  return sentence(text.split(/(?<=[.!])\s/)[0]);
}

function sentence(text: string): string {
  return text.replace(/[.!]$/, '');
}
