// `drainServer` closes the connections of a server one after another, so that its clients do not all come back at once.
import { setTimeout as delay } from 'node:timers/promises';
import { encodeClosePayload } from '../codec/close-payload.js';
import { CloseCode } from '../spec/close-code.js';
import { holdingsOf, type Holder } from './accept/holdings.js';
import { ReadyState } from './types.js';
import type { WebSocket } from './websocket.js';

export interface DrainOptions {
  /** The close code; 1012, Service Restart, by default. */
  readonly code?: number | undefined;
  /** At most 123 bytes as UTF-8. */
  readonly reason?: string | undefined;
  /** Over how long the closes are spread, in ms; 10,000 by default. */
  readonly window?: number | undefined;
  /** How long after the last close connections may take to end, before they are cut off, in ms; 30,000 by default. */
  readonly timeout?: number | undefined;
}

/** How the connections of a drained server ended. */
export interface DrainCounts {
  /** Those whose closing handshake was done. */
  readonly closed: number;
  /** Those that were lost or cut off. */
  readonly cut: number;
}

/** How often connections are closed meanwhile, in ms. */
const STEP = 20;

/**
 * Answers requests with 503 from now on, and closes all connections in the order of their opening.
 * @throws as `close` of a WebSocket for code and reason; RangeError for a time that is no number from 0
 */
export function drainServer(
  server: Holder,
  { code = CloseCode.ServiceRestart, reason, window = 10_000, timeout = 30_000 }: DrainOptions,
): Promise<DrainCounts> {
  encodeClosePayload(code, reason ?? '');
  for (const [name, value] of Object.entries({ window, timeout })) {
    if (typeof value !== 'number' || !(value >= 0 && value < 2 ** 31)) {
      throw new RangeError(`"${name}" must be a number of ms from 0`);
    }
  }
  const held = holdingsOf(server);
  // Whole seconds (RFC 9110 10.2.3), until this server has gone.
  held.retryAfter = Math.max(1, Math.ceil(window / 1000));
  return (held.drained ??= closeAll(
    [...(server.clients ?? [])],
    (client) => client.close(code, reason),
    window,
    timeout,
  ));
}

async function closeAll(
  clients: readonly WebSocket[],
  close: (client: WebSocket) => void,
  window: number,
  timeout: number,
): Promise<DrainCounts> {
  const ended = clients.map((client) => new Promise<void>((resolve) => client.once('close', () => resolve())));
  const since = performance.now();
  for (let at = 0; at < clients.length;) {
    const share = window === 0 ? 1 : (performance.now() - since) / window;
    const until = Math.min(clients.length, Math.floor(share * clients.length) + 1);
    for (; at < until; at++) close(clients[at]);
    if (at < clients.length) await delay(STEP);
  }
  const force = setTimeout(() => {
    for (const client of clients) if (client.readyState !== ReadyState.Closed) client.terminate();
  }, timeout);
  await Promise.all(ended);
  clearTimeout(force);
  const closed = clients.filter(({ closeInfo }) => closeInfo?.wasClean === true).length;
  return { closed, cut: clients.length - closed };
}
