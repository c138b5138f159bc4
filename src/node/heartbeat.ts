// A silent connection -> a ping, and a peer that answers nothing -> the end of the connection.
import type { Heartbeat } from './options.js';

/** A WebSocket as the heartbeat knows it. */
interface Beating {
  readonly readyState: number;
  readonly isPaused: boolean;
  ping(): void;
  terminate(): void;
}

/**
 * Pings `websocket` whenever nothing has come from the peer for `interval` ms, and terminates it when nothing comes for
 * `timeout` ms after that. Timers count monotonic time and do not keep the process alive.
 * @returns what ends it
 */
export function startHeartbeat(
  websocket: Beating,
  transport: { hasRead: boolean },
  { interval, timeout }: Heartbeat,
): () => void {
  let timer: NodeJS.Timeout;
  /** How much of `timeout` is left once the timer has run out. */
  let left = 0;
  let isStopped = false;
  const wait = (): void => {
    transport.hasRead = false;
    timer = setTimeout(ask, interval).unref();
  };
  const ask = (): void => {
    if (transport.hasRead) return wait();
    if (websocket.readyState === 1) websocket.ping();
    left = timeout;
    listen();
  };
  /** The answer is looked for every `interval` ms, so that the next ping does not wait for all of `timeout`. */
  const listen = (): void => {
    const step = Math.min(Math.max(interval, 1), left);
    left -= step;
    timer = setTimeout(look, step).unref();
  };
  const look = (): void => {
    if (transport.hasRead) return wait();
    if (left > 0) return listen();
    // After the process was suspended the answer may lie unread in the socket: a turn of reading comes first.
    setImmediate(() => setImmediate(judge));
  };
  const judge = (): void => {
    if (isStopped) return;
    if (transport.hasRead || websocket.isPaused) wait();
    else websocket.terminate();
  };
  wait();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
