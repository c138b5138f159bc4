// `Watch` is told of the connections of a proxy; `watchTap` makes the tap that tells several of them.
import type { Frame, Heads, Message, Side } from '../traffic/frame.js';
import { Tap } from '../traffic/tap.js';
import type { RelayTap } from './relay.js';

/** A connection that passes through the proxy. */
export interface Passing {
  /** From 1. */
  readonly number: number;
  /** The address of the client. */
  readonly peer: string;
  /** The address that it goes to, with the path of its request. */
  url: string;
  /** When it opened: in ms since 1970, and on the clock of frames; 0 before. */
  startedAt: number;
  openedAt: number;
  frames: Record<Side, number>;
  faults: number;
  /** How many lines it has in the wire log of the page. */
  wireLines: number;
}

/** Gets all that passes. Times are in ms, on the clock of `performance.now()`. */
export interface Watch {
  connected?(connection: Passing): void;
  opened(connection: Passing, heads: Heads): void;
  frame(connection: Passing, frame: Frame, message: Message | undefined): void;
  /** Bytes as they came; they stay as they are. */
  bytes?(connection: Passing, from: Side, chunk: Uint8Array, time: number): void;
  /** A sentence about the connection. */
  note(connection: Passing, text: string): void;
  ended(connection: Passing, time: number): void;
}

/** The tap of one connection for all who watch; none where nobody does. `hint` is said of connections that are refused. */
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
