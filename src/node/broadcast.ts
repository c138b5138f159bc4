// `broadcast` frames a message once and sends the frame by many connections.
import type { Sendable } from './data.js';
import { catchUp } from './flush-time.js';
import { FramedMessage } from './framed-message.js';
import type { SendCallback } from './send-callback.js';
import { ReadyState } from './types.js';
import { broadcastFrames, type WebSocket } from './websocket.js';

export interface BroadcastOptions {
  /** Which connections get the message; by default all that are open. */
  readonly filter?: ((websocket: WebSocket) => boolean) | undefined;
  /** Whether the message is binary; by default, it is unless `data` is a string. */
  readonly binary?: boolean | undefined;
  /** Whether to compress for connections that agreed on it, once for each group that can share the frame; false by default. */
  readonly compress?: boolean | undefined;
}

/**
 * Sends a framed message to one of many connections, or has a `send` of the application's send it. A connection amid a
 * message in fragments sends it behind that (RFC 6455 5.4).
 */
export function sendFramed(client: WebSocket, message: FramedMessage, callback?: SendCallback): void {
  const { data, isBinary, compress } = message;
  if (!broadcastFrames(client, message, callback)) client.send(data, { binary: isBinary, compress }, callback);
}

/**
 * Sends `data` to every open connection of a server among `clients`, and waits for none of them: a slow connection with a
 * `maxBackpressure` is ended, and the others are not held up.
 */
export function broadcast(
  clients: Iterable<WebSocket>,
  data: Exclude<Sendable, Blob>,
  { filter, binary, compress = false }: BroadcastOptions,
): void {
  catchUp();
  const isBinary = binary ?? (typeof data !== 'string' && typeof data !== 'number');
  const message = new FramedMessage(data, isBinary, compress);
  for (const client of clients) {
    if (client.readyState !== ReadyState.Open || (filter !== undefined && !filter(client))) continue;
    sendFramed(client, message);
  }
}
