// The chunks of one peer -> whether it has had its share of the thread, so that a flood does not starve the others.

/** Reads from this length on, in octets, are those of a peer that sends faster than it is read: more follow in the same turn. */
const FULL = 64 * 1024;
/** How long a peer whose reads are all full is served in a row, in ms. */
const LONGEST = 5;

export class Share {
  /** When the first of a row of full reads was done; 0 while there is none. */
  private since = 0;

  /** Notes a read; whether the peer is to wait for the next turn now. */
  isUsedUp(octets: number): boolean {
    if (octets < FULL) {
      this.since = 0;
      return false;
    }
    const now = performance.now();
    if (this.since === 0) this.since = now;
    if (now - this.since <= LONGEST) return false;
    this.since = 0;
    return true;
  }
}
