// `broadcast` frames a message once and sends the frame by many connections.
import { FrameEncoder } from '../codec/frame-encoder.js';
import { FIN, Opcode, Role } from '../spec/frame.js';
import type { Sendable } from './data.js';
import { toPayload } from './data.js';
import { ReadyState } from './types.js';
import { nodeValues } from './values.js';
import { broadcastFrames, type WebSocket } from './websocket.js';

export interface BroadcastOptions {
  /** Which connections get the message; by default all that are open. */
  readonly filter?: ((websocket: WebSocket) => boolean) | undefined;
  /** Whether the message is binary; by default, whether the data is not a string. */
  readonly binary?: boolean | undefined;
}

/** A message with its frame, which many connections send. */
export interface FramedMessage {
  readonly data: Exclude<Sendable, Blob>;
  readonly payload: Uint8Array | string;
  readonly isBinary: boolean;
  readonly frame: Uint8Array;
}

/** Makes the frame of a message, uncompressed (RFC 6455 5.2). */
export function frameMessage(data: Exclude<Sendable, Blob>, isBinary: boolean): FramedMessage {
  const payload = toPayload(data);
  const encoder = new FrameEncoder({ role: Role.Server, values: nodeValues });
  const first = FIN | (isBinary ? Opcode.Binary : Opcode.Text);
  if (typeof payload === 'string') encoder.text(first, payload);
  else encoder.frame(first, payload);
  // Not from Node's pool: bytes that wait for one connection share no memory with another's.
  const frame = nodeValues.allocate(encoder.length);
  let at = 0;
  for (const chunk of encoder.take()) {
    frame.set(chunk, at);
    at += chunk.length;
  }
  return { data, payload, isBinary, frame };
}

/** Sends a framed message to one of many connections, or has a `send` of the application's send it. */
export function sendFramed(client: WebSocket, { data, payload, isBinary, frame }: FramedMessage): void {
  if (!broadcastFrames(client, frame, payload, isBinary)) client.send(data, { binary: isBinary, compress: false });
}

/**
 * Sends `data`, uncompressed, to every open connection of a server's side among `clients`. It waits for nobody: a
 * connection with a `maxBackpressure` that is too slow is ended, and no other is held up.
 */
export function broadcast(
  clients: Iterable<WebSocket>,
  data: Exclude<Sendable, Blob>,
  { filter, binary }: BroadcastOptions,
): void {
  const message = frameMessage(data, binary ?? (typeof data !== 'string' && typeof data !== 'number'));
  for (const client of clients) {
    if (client.readyState !== ReadyState.Open || (filter !== undefined && !filter(client))) continue;
    sendFramed(client, message);
  }
}
