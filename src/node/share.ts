// `Floods` divides a turn of the event loop among the peers that send faster than they are read, so that others get theirs.
import { now as clock } from './flush-time.js';
import { nextTurn } from './turn.js';

/** Reads from this length on, in bytes, are those of a peer that floods: more follow in the same turn. */
export const FULL: number = 64 * 1024;
/** How long all peers that flood are served in a turn together, in ms. */
const TOGETHER = 5;

/** One row of full reads of a peer; made with its first, and done with once it is used up. */
export class Share {
  private readonly since: number;

  /** @param longest how long the peer is served in a row, in ms */
  constructor(
    private readonly now: () => number,
    private readonly longest: number,
  ) {
    this.since = now();
  }

  /** Whether the peer is to wait for the next turn now. */
  get isUsedUp(): boolean {
    return this.now() - this.since > this.longest;
  }
}

/** Counts the peers that begin to flood in a turn: in the next one about as many will. */
export class Floods {
  private before = 0;
  private begun = 0;

  constructor(
    private readonly now: () => number = clock,
    private readonly later: (work: () => void) => void = nextTurn,
  ) {}

  /** The share of one peer more. */
  begin(): Share {
    if (this.begun === 0) this.later(this.turn);
    this.begun++;
    return new Share(this.now, TOGETHER / Math.max(this.begun, this.before));
  }

  private readonly turn = (): void => {
    this.before = this.begun;
    this.begun = 0;
    // A turn without a flood forgets the last one.
    if (this.before > 0) this.later(this.settle);
  };

  private readonly settle = (): void => {
    if (this.begun === 0) this.before = 0;
  };
}

/** The floods of this thread. */
export const floods: Floods = new Floods();
