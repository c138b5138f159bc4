// `KeptHandles` limits the number of handles that keep a connection's context to those used last.
import { KEPT_HANDLES } from './limits.js';

/** Who keeps a handle between messages and can go on without it. */
export interface Keeper {
  /** Gives the handle's memory back. */
  letGo(): void;
}

/**
 * The keepers of a thread. zlib as Node builds it takes 70 to 270 KiB for a state that compresses, whatever its parameters:
 * too much for every one of many connections.
 */
export class KeptHandles {
  readonly #limit: number;
  readonly #keepers = new Set<Keeper>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#keepers.size;
  }

  /** Makes room for one handle more, whose memory can then be that of the handle unused for longest. */
  makeRoom(): void {
    if (this.#keepers.size < this.#limit) return;
    const [oldest] = this.#keepers;
    this.#keepers.delete(oldest);
    oldest.letGo();
  }

  /** Counts a handle that was just used. */
  keep(keeper: Keeper): void {
    this.#keepers.delete(keeper);
    this.makeRoom();
    this.#keepers.add(keeper);
  }

  /** Counts a handle no longer: it is at work, or closed. */
  drop(keeper: Keeper): void {
    this.#keepers.delete(keeper);
  }
}

/** The handles that this thread keeps. */
export const keptHandles: KeptHandles = new KeptHandles(KEPT_HANDLES);
