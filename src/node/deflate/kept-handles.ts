// `KeptHandles` limits the handles that keep a connection's context to those used last.
import { KEPT_HANDLES } from './limits.js';

/** An owner that keeps a handle between messages and can work without it. */
export interface Keeper {
  /** Releases the handle's memory. */
  letGo(): void;
}

/**
 * The handles kept in a thread. zlib as built into Node takes 70 to 270 KiB for a compressing state, whatever its
 * parameters: too much for each of many connections.
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

  /** Makes room for one more handle, by releasing the one that was unused for longest. */
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

  /** Stops counting a handle: it is at work, or closed. */
  drop(keeper: Keeper): void {
    this.#keepers.delete(keeper);
  }
}

/** The handles that this thread keeps. */
export const keptHandles: KeptHandles = new KeptHandles(KEPT_HANDLES);
