// `startHeartbeat` pings silent connections and ends those whose peer does not answer.
import type { HeartbeatTimes } from './options.js';
import { unrefed } from './unrefed.js';
import { nextTurn } from './turn.js';
import { ReadyState } from './types.js';

/** The part of a WebSocket that the heartbeat uses. */
interface Beating {
  readonly readyState: ReadyState;
  readonly isPaused: boolean;
  ping(): void;
}

/** The session under it. */
interface Listening {
  /** Set by every chunk that is read. */
  hasRead: boolean;
  /** Ends a connection whose peer is silent. */
  failHeartbeat(): void;
}

/**
 * Pings `websocket` when nothing has come from the peer for `interval` ms, and terminates it when nothing comes for
 * `timeout` ms after that. Timers use monotonic time and do not keep the process alive.
 * @returns the function that stops the heartbeat
 */
export function startHeartbeat(
  websocket: Beating,
  session: Listening,
  { interval, timeout }: HeartbeatTimes,
): () => void {
  let timer: NodeJS.Timeout;
  /** The time of `timeout` that is left when the timer fires. */
  let left = 0;
  let isStopped = false;
  const wait = (): void => {
    session.hasRead = false;
    timer = unrefed(setTimeout(ask, interval));
  };
  const ask = (): void => {
    if (session.hasRead) return wait();
    if (websocket.readyState === ReadyState.Open) websocket.ping();
    left = timeout;
    listen();
  };
  /** The answer is checked every `interval` ms, so that the next ping does not wait for the whole `timeout`. */
  const listen = (): void => {
    const step = Math.min(Math.max(interval, 1), left);
    left -= step;
    timer = unrefed(setTimeout(look, step));
  };
  const look = (): void => {
    if (session.hasRead) return wait();
    if (left > 0) return listen();
    // After the process was suspended, the answer may be unread in the socket: one turn of reading comes first.
    nextTurn(() => nextTurn(judge));
  };
  const judge = (): void => {
    if (isStopped) return;
    if (session.hasRead || websocket.isPaused) wait();
    else session.failHeartbeat();
  };
  wait();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
