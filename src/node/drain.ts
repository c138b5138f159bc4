// `drainServer` closes the connections of a server one after another, so that its clients do not all reconnect at once.
import { setTimeout as delay } from 'node:timers/promises';
import { encodeClosePayload } from '../codec/close-payload.js';
import { CloseCode } from '../spec/close-code.js';
import { DEFAULT_DRAIN_TIMEOUT, DEFAULT_DRAIN_WINDOW } from '../spec/limits.js';
import { holdingsOf, type Holder } from './accept/holdings.js';
import { ReadyState } from './types.js';
import { WebSocket } from './websocket.js';

export interface DrainOptions {
  /** The close code; 1012, Service Restart, by default. */
  readonly code?: number | undefined;
  /** The reason; at most 123 bytes in UTF-8. */
  readonly reason?: string | undefined;
  /** The time over which the closes are spread, in ms; 10,000 by default. */
  readonly window?: number | undefined;
  /** How long connections may take to end after the last close, in ms, before they are cut off; 30,000 by default. */
  readonly timeout?: number | undefined;
}

/** How the connections of a drained server ended. */
export interface DrainCounts {
  /** Connections that finished the closing handshake. */
  readonly closed: number;
  /** Connections that were lost or cut off. */
  readonly cut: number;
}

/** The interval between steps, in ms. */
const STEP = 20;
/** The longest time that counts for a step that came late, in ms. */
const LONGEST_STEP = 100;

/**
 * Answers requests with 503 from now on, and closes all connections in the order in which they opened.
 * @throws as `close` of a WebSocket for code and reason; RangeError for an invalid time; Error without client tracking
 */
export function drainServer(
  server: Holder,
  {
    code = CloseCode.ServiceRestart,
    reason,
    window = DEFAULT_DRAIN_WINDOW,
    timeout = DEFAULT_DRAIN_TIMEOUT,
  }: DrainOptions,
): Promise<DrainCounts> {
  encodeClosePayload(code, reason ?? '');
  for (const [name, value] of Object.entries({ window, timeout })) {
    if (typeof value !== 'number' || !(value >= 0 && value < 2 ** 31)) {
      throw new RangeError(`"${name}" must be a number of ms from 0`);
    }
  }
  if (server.clients === undefined)
    throw new Error('With "clientTracking: false" the server knows no clients to close');
  const held = holdingsOf(server);
  if (held.drained === undefined) {
    // Whole seconds (RFC 9110 10.2.3), until this server has stopped.
    held.retryAfter = Math.max(1, Math.ceil(window / 1000));
    const clients = [...server.clients];
    // Reported by the server: the application may remove all listeners of a socket.
    const ended = new Promise<DrainCounts>((resolve) => {
      const left = new Set(clients);
      let closed = 0;
      held.ended = (client) => {
        if (left.delete(client) && client.closeInfo!.wasClean) closed++;
        if (left.size === 0) resolve({ closed, cut: clients.length - closed });
      };
      if (left.size === 0) resolve({ closed: 0, cut: 0 });
    });
    held.drained = closeAll(clients, [code, reason], window, timeout, ended);
  }
  return held.drained;
}

async function closeAll(
  clients: readonly WebSocket[],
  why: Parameters<WebSocket['close']>,
  window: number,
  timeout: number,
  ended: Promise<DrainCounts>,
): Promise<DrainCounts> {
  const thrown: unknown[] = [];
  /** Where a subclass throws, its connection ends all the same, and so do the others. */
  const end = (client: WebSocket, method: 'close' | 'terminate', given: typeof why): void => {
    try {
      client[method](...given);
    } catch (error) {
      thrown.push(error);
      WebSocket.prototype[method].apply(client, given);
    }
  };
  let elapsed = 0;
  for (let at = 0, since = performance.now(); at < clients.length;) {
    const share = window === 0 ? 1 : elapsed / window;
    const until = Math.min(clients.length, Math.floor(share * clients.length) + 1);
    for (; at < until; at++) end(clients[at], 'close', why);
    if (at === clients.length) break;
    await delay(STEP);
    // A process that was held up takes longer, instead of closing at once everything that was due meanwhile.
    const now = performance.now();
    elapsed += Math.min(now - since, LONGEST_STEP);
    since = now;
  }
  const force = setTimeout(() => {
    for (const client of clients) if (client.readyState !== ReadyState.Closed) end(client, 'terminate', []);
  }, timeout);
  const counts = await ended;
  clearTimeout(force);
  if (thrown.length > 0) throw thrown[0];
  return counts;
}
