// `capacityOf` finds out how many connections a server serves side by side, and whether it refuses those beyond.

import { type Answer, NO_ANSWER } from './knock.js';
import type { CaseResult } from './result.js';

/** What a server does with several connections. */
export interface Capacity {
  /** The number that it serves side by side. */
  lanes: number;
  /** Whether it refuses or ends one beyond these. It does not where one gets no answer in time: that one may wait its turn. */
  refusesMore: boolean;
}

/** Finds the capacity of a server, up to `most`, by handshakes at once: two at least, as a server may count one that has ended. */
export async function capacityOf(knock: () => Promise<Answer>, most: number): Promise<Capacity> {
  const held = await Promise.all(Array.from({ length: Math.max(2, most) }, knock));
  const open = held.filter((answer) => answer.kind === 'open');
  await Promise.all(open.map((answer) => answer.leave()));
  return {
    lanes: Math.max(1, Math.min(most, open.length)),
    refusesMore: held.some((answer) => answer.kind === 'deaf' && answer.why !== NO_ANSWER),
  };
}

/** The sentences about a capacity for the user. */
export function capacityNote({ lanes, refusesMore }: Capacity): string {
  const serves = `The server serves ${lanes} connection${lanes === 1 ? '' : 's'} at a time: no more cases run side by side.`;
  return refusesMore ? `${serves} A refused case is played again.` : serves;
}

/** Whether the server refused or dropped the connection before it opened, as it does with one too many. */
export function isTurnedAway(result: Pick<CaseResult, 'httpResponse' | 'wasOpenHandshakeTimeout'>): boolean {
  return !result.wasOpenHandshakeTimeout && !result.httpResponse.startsWith('HTTP/1.1 101');
}
