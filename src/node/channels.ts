// `channels` are the library's channels of `node:diagnostics_channel`; docs/observability.md lists the fields of each.
import { Buffer } from 'node:buffer';
import { channel, type Channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ReadyState, type CloseInfo } from './types.js';

type Name =
  | 'accepted'
  | 'refused'
  | 'open'
  | 'messageReceived'
  | 'messageSent'
  | 'pingReceived'
  | 'pingSent'
  | 'pongReceived'
  | 'pongSent'
  | 'close'
  | 'error';

/** The check of `hasSubscribers` is the whole cost of a channel without subscribers. */
export const channels: Readonly<Record<Name, Channel>> = {
  accepted: channel('wsimd:handshake:accepted'),
  refused: channel('wsimd:handshake:refused'),
  open: channel('wsimd:open'),
  messageReceived: channel('wsimd:message:received'),
  messageSent: channel('wsimd:message:sent'),
  pingReceived: channel('wsimd:ping:received'),
  pingSent: channel('wsimd:ping:sent'),
  pongReceived: channel('wsimd:pong:received'),
  pongSent: channel('wsimd:pong:sent'),
  close: channel('wsimd:close'),
  error: channel('wsimd:error'),
};

const { accepted, close, messageReceived, messageSent, refused } = channels;

/** Publishes a request that was accepted; false where a subscriber has closed the WebSocket, whose 'close' follows. */
export function publishAccepted(
  server: object,
  websocket: { readonly readyState: number },
  request: IncomingMessage,
  socket: Duplex,
): boolean {
  asked.delete(socket);
  if (accepted.hasSubscribers) accepted.publish({ server, websocket, request, socket });
  // A class of the application's may have a state of its own.
  return !(websocket.readyState > ReadyState.Connecting);
}

/** Publishes a received message: `data` as the application gets it, by reference. */
export function publishReceived(websocket: object, data: unknown, isBinary: boolean): void {
  messageReceived.publish({ websocket, data, isBinary, byteLength: lengthOf(data) });
}

/** Publishes a message or, without `fin`, a fragment that is being sent. */
export function publishSent(websocket: object, data: Uint8Array | string, isBinary: boolean, fin: boolean): void {
  messageSent.publish({ websocket, data, isBinary, byteLength: lengthOf(data), fin });
}

/** Publishes how a connection ended. */
export function publishClose(websocket: object, info: CloseInfo): void {
  if (close.hasSubscribers) close.publish({ websocket, ...info });
}

function lengthOf(data: unknown): number {
  if (typeof data === 'string') return Buffer.byteLength(data);
  if (Array.isArray(data)) return (data as Uint8Array[]).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const { byteLength, size } = data as { byteLength?: number; size?: number };
  return byteLength ?? size ?? 0;
}

/** The requests that are being judged, by their sockets, while refusals have subscribers. */
const asked = new WeakMap<Duplex, { server: object; request: IncomingMessage }>();

/** Remembers the request that a refusal on this socket is about. */
export function noteAsked(socket: Duplex, server: object, request: IncomingMessage): void {
  if (refused.hasSubscribers) asked.set(socket, { server, request });
}

/** Publishes a request that is answered with an error, unless the first subscriber has come since it began. */
export function publishRefused(socket: Duplex, status: number, message: string): void {
  const about = asked.get(socket);
  if (about !== undefined && refused.hasSubscribers) refused.publish({ ...about, socket, status, message });
}
