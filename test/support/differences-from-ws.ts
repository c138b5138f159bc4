// Where the Receiver of `ws` 8.23.0 and the reference decoder may differ, each with the reason that the RFC gives.
import { Violation } from '../../src/spec/violation.js';
import { type WireEvent } from './events.js';

export interface Difference {
  name: string;
  reason: string;
  /** Whether this is why the two lists, which are not equal, differ. */
  explains(ours: WireEvent[], ws: WireEvent[]): boolean;
}

export const DIFFERENCES: Difference[] = [
  {
    name: 'a length that is not written in the fewest bytes',
    reason: 'RFC 6455 5.2: "the minimal number of bytes MUST be used to encode the length"; ws reads it',
    explains: (ours, ws) => stopsEarlier(ours, ws, Violation.NonMinimalLength),
  },
  {
    name: 'text that is not UTF-8, inside an unfinished message',
    reason: 'RFC 6455 8.1: bytes that cannot be UTF-8 fail the connection; ws looks at them when the message is whole',
    explains: (ours, ws) => stopsEarlier(ours, ws, Violation.InvalidUtf8),
  },
  {
    name: 'fragments that pass 2^53 - 1 bytes together',
    reason:
      'RFC 6455 10.4: a limit holds for the message after reassembly; ws without a limit awaits more than it can count',
    explains: (ours, ws) => stopsEarlier(ours, ws, Violation.MessageTooBig) && ws.length === ours.length - 1,
  },
];

/** The reason why two lists differ, or undefined if they are equal or nothing explains it. */
export function explanation(ours: WireEvent[], ws: WireEvent[]): Difference | undefined {
  return DIFFERENCES.find((difference) => difference.explains(ours, ws));
}

/** Ours ends with `violation`, and up to there `ws` says the same. */
function stopsEarlier(ours: WireEvent[], ws: WireEvent[], violation: Violation): boolean {
  const last = ours.at(-1);
  const before = ours.slice(0, -1);
  return (
    last?.type === 'violation' &&
    last.violation === violation &&
    JSON.stringify(ws.slice(0, before.length)) === JSON.stringify(before) &&
    JSON.stringify(ws) !== JSON.stringify(ours)
  );
}
