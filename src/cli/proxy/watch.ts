// `Watch` receives the events of a proxy's connections; `watchTap` makes the tap that calls several watches.
import type { Frame, Heads, Message, Side } from '../traffic/frame.js';
import { Tap } from '../traffic/tap.js';
import type { RelayTap } from './relay.js';

/** A connection that passes through the proxy. */
export interface Passing {
  /** From 1. */
  readonly number: number;
  /** The address of the client. */
  readonly peer: string;
  /** The URL of the target, with the path of the request. */
  url: string;
  /** The time of the opening in ms since 1970, and on the clock of frames; 0 before. */
  startedAt: number;
  openedAt: number;
  frames: Record<Side, number>;
  faults: number;
  /** The number of its lines in the wire log of the page. */
  wireLines: number;
}

/** Receives all that passes. Times are in ms, on the clock of `performance.now()`. */
export interface Watch {
  connected?(connection: Passing): void;
  opened(connection: Passing, heads: Heads): void;
  frame(connection: Passing, frame: Frame, message: Message | undefined): void;
  /** Receives a chunk, whose bytes do not change afterwards. */
  bytes?(connection: Passing, from: Side, chunk: Uint8Array, time: number): void;
  /** Receives a sentence about the connection. */
  note(connection: Passing, text: string): void;
  ended(connection: Passing, time: number): void;
}

/** Returns the tap of a connection for its watches, or undefined without any. `hint` follows the note of a refusal. */
export function watchTap(
  connection: Passing,
  watches: readonly Watch[],
  target: string,
  hint: string,
): RelayTap | undefined {
  if (watches.length === 0) return undefined;
  const byteWatches = watches.filter((watch) => watch.bytes !== undefined);
  const tap = new Tap({
    opened(heads, time) {
      connection.openedAt = time;
      connection.startedAt = Date.now();
      connection.url = target + (heads.request.split(' ')[1] ?? '');
      for (const watch of watches) watch.opened(connection, heads);
    },
    notRead(why, isRefused) {
      const more = isRefused ? hint : '';
      for (const watch of watches) watch.note(connection, `${why}; its bytes pass unread.${more}`);
    },
    frame(frame, message) {
      connection.frames[frame.from]++;
      if (frame.fault !== undefined) connection.faults++;
      for (const watch of watches) watch.frame(connection, frame, message);
    },
  });
  return {
    push(from, chunk) {
      const time = performance.now();
      for (const watch of byteWatches) watch.bytes!(connection, from, chunk, time);
      tap.push(from, chunk, time);
    },
    end: (from) => tap.end(from, performance.now()),
  };
}
