// A row of full reads from one peer -> whether it has had its share of the thread, so that a flood does not starve the others.

/** Reads from this length on, in octets, are those of a peer that sends faster than it is read: more follow in the same turn. */
export const FULL: number = 64 * 1024;
/** How long a peer whose reads are all full is served in a row, in ms. */
const LONGEST = 5;

/** Made with the first of a row of full reads. */
export class Share {
  private since = performance.now();

  /** Notes a full read; whether the peer is to wait for the next turn now. */
  isUsedUp(): boolean {
    const now = performance.now();
    if (now - this.since <= LONGEST) return false;
    this.since = now;
    return true;
  }
}
