// A row of full reads from one peer -> whether it has had its share of the thread, so that a flood does not starve the others.
import { now } from './flush-time.js';

/** Reads from this length on, in octets, are those of a peer that sends faster than it is read: more follow in the same turn. */
export const FULL: number = 64 * 1024;
/** How long a peer whose reads are all full is served in a row, in ms. */
const LONGEST = 5;

/** One row of full reads; made with its first, and done with once it is used up. */
export class Share {
  private readonly since = now();

  /** Whether the peer is to wait for the next turn now. */
  get isUsedUp(): boolean {
    return now() - this.since > LONGEST;
  }
}
