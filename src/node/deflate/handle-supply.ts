// `HandleSupply` lends zlib handles: one of its own to a connection that keeps context, a shared one for a single message.
import type { ZlibOptions } from 'node:zlib';
import { bytesOf } from './history.js';
import { ZlibHandle } from './zlib-handle.js';

const supplies = new Map<string, HandleSupply>();

/** Makes handles of one kind and one set of parameters, and keeps one for the next caller. */
export class HandleSupply {
  readonly #kind: 'inflate' | 'deflate';
  readonly #options: ZlibOptions;
  #spare: ZlibHandle | undefined;

  constructor(kind: 'inflate' | 'deflate', options: ZlibOptions) {
    this.#kind = kind;
    this.#options = options;
  }

  /** The thread's supply for these parameters: connections that agreed on the same share it. */
  static of(kind: 'inflate' | 'deflate', options: ZlibOptions): HandleSupply {
    const { windowBits, level, memLevel, strategy, dictionary } = options;
    // Handles with different dictionaries are different.
    if (dictionary !== undefined) return new HandleSupply(kind, options);
    const key = `${kind} ${windowBits} ${level} ${memLevel} ${strategy}`;
    let supply = supplies.get(key);
    if (supply === undefined) {
      supply = new HandleSupply(kind, options);
      supplies.set(key, supply);
    }
    return supply;
  }

  /** A handle with an empty window. */
  take(): ZlibHandle {
    const handle = this.#spare ?? this.make();
    this.#spare = undefined;
    return handle;
  }

  /**
   * A handle that is not the spare one.
   * @param window the initial bytes of its window; empty by default
   */
  make(window?: Uint8Array): ZlibHandle {
    return new ZlibHandle(this.#kind, { ...this.#options, dictionary: window ?? bytesOf(this.#options.dictionary) });
  }

  /** Takes back a handle that reported no error. */
  give(handle: ZlibHandle): void {
    if (this.#spare !== undefined) return handle.close();
    // A distance that reaches back beyond a reset is an error to zlib, so that no message can show another's bytes.
    handle.reset();
    this.#spare = handle;
  }
}
