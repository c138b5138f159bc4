// `channels` are the library's channels of `node:diagnostics_channel`; docs/observability.md says the fields of each.
import { Buffer } from 'node:buffer';
import { channel, type Channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { CloseInfo } from './types.js';

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

/** Where nobody listens, `hasSubscribers` is all that a place which could publish asks. */
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

const { close, messageReceived, messageSent, refused } = channels;

/** Tells those who listen of a message: `data` as the application has it, by reference. */
export function publishReceived(websocket: object, data: unknown, isBinary: boolean): void {
  messageReceived.publish({ websocket, data, isBinary, byteLength: lengthOf(data) });
}

/** Tells those who listen of a message or, without `fin`, a fragment that is being sent. */
export function publishSent(websocket: object, data: Uint8Array | string, isBinary: boolean, fin: boolean): void {
  messageSent.publish({ websocket, data, isBinary, byteLength: lengthOf(data), fin });
}

/** Tells those who listen how a connection ended. */
export function publishClose(websocket: object, info: CloseInfo): void {
  if (close.hasSubscribers) close.publish({ websocket, ...info });
}

function lengthOf(data: unknown): number {
  if (typeof data === 'string') return Buffer.byteLength(data);
  if (Array.isArray(data)) return (data as Uint8Array[]).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const { byteLength, size } = data as { byteLength?: number; size?: number };
  return byteLength ?? size ?? 0;
}

/** The requests that are being judged, by their sockets, while refusals are listened for. */
const asked = new WeakMap<Duplex, { server: object; request: IncomingMessage }>();

/** Notes which request a refusal of this socket will be about. */
export function noteAsked(socket: Duplex, server: object, request: IncomingMessage): void {
  if (refused.hasSubscribers) asked.set(socket, { server, request });
}

/** Tells those who listen of a request that is answered with an error. */
export function publishRefused(socket: Duplex, status: number, message: string): void {
  if (refused.hasSubscribers) refused.publish({ ...asked.get(socket), socket, status, message });
}
