// `Floods` divides a turn of the event loop among peers that send faster than they are read, so that others get a share.
import { now as clock } from './flush-time.js';
import { nextTurn } from './turn.js';

/** A read of at least this length, in bytes, is one of a flooding peer: more follow in the same turn. */
export const FULL: number = 64 * 1024;
/** How long all flooding peers together are served in a turn, in ms. */
export const TOGETHER = 10;

/** The full reads of one peer in one turn. */
export class Share {
  private readonly since: number;

  /**
   * @param turn the number of the turn
   * @param longest how long the peer is served in it, in ms
   */
  constructor(
    readonly turn: number,
    private readonly now: () => number,
    private readonly longest: number,
  ) {
    this.since = now();
  }

  /** Whether the peer has to wait for the next turn now. */
  get isUsedUp(): boolean {
    return this.now() - this.since > this.longest;
  }
}

/** Counts the peers that flood in a turn, as an estimate for the next turn. */
export class Floods {
  /** The number of this turn, of those with a flood. */
  private number = 0;
  private before = 0;
  private begun = 0;

  constructor(
    private readonly now: () => number = clock,
    private readonly later: (work: () => void) => void = nextTurn,
  ) {}

  /** The share in this turn of a peer that has made a full read; `last` is its last share, of any turn. */
  share(last: Share | undefined): Share {
    if (last?.turn === this.number) return last;
    if (this.begun === 0) this.later(this.turn);
    this.begun++;
    return new Share(this.number, this.now, TOGETHER / Math.max(this.begun, this.before));
  }

  private readonly turn = (): void => {
    this.number++;
    this.before = this.begun;
    this.begun = 0;
    // A turn without a flood resets the count.
    if (this.before > 0) this.later(this.settle);
  };

  private readonly settle = (): void => {
    if (this.begun === 0) this.before = 0;
  };
}

/** The floods of this thread. */
export const floods: Floods = new Floods();
