// `abortHandshake` gives up a client's opening handshake; the functions beside it report how one went.
import type { Agent, ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { channels } from './channels.js';
import type { ClientSocket } from './client-options.js';
import type { StreamRequest } from './http2/stream-request.js';
import { ReadyState } from './types.js';

/** An opening request that has not been answered yet. */
export type PendingRequest = ClientRequest | StreamRequest;

/** Gives up a handshake and its unfinished request, if any: 'error' and 'close' follow in the next tick. */
export function abortHandshake(websocket: ClientSocket, request: PendingRequest | null, message: string): void {
  const error = new Error(message);
  Error.captureStackTrace(error, abortHandshake);
  abort(websocket, request, error);
}

/** As `abortHandshake`, with an error of the caller's. */
export function abort(websocket: ClientSocket, request: PendingRequest | null, error: Error): void {
  websocket._readyState = ReadyState.Closing;
  websocket._req = null;
  request?.destroy();
  // A request with a complete response leaves its socket alone: an agent may already use that socket for another request.
  if (!(request as { agent?: Agent | null } | null)?.agent) (request as ClientRequest | null)?.socket?.destroy();
  process.nextTick(fail, websocket, error);
}

/** Reports that the handshake failed, and ends the WebSocket. */
export function fail(websocket: ClientSocket, error: unknown): void {
  websocket._readyState = ReadyState.Closing;
  websocket._req = null;
  if (channels.error.hasSubscribers) channels.error.publish({ websocket, error });
  try {
    // On a server's side a tool has closed it, before the application could listen.
    if (!websocket._isServer || websocket.listenerCount('error') > 0) websocket.emit('error', error);
  } finally {
    websocket.emitClose();
  }
}

/** Emits 'upgrade'. Where a listener throws, it reads on: Node tells the end of a socket only to its readers. */
export function tellUpgrade(websocket: ClientSocket, response: object, socket: Duplex): void {
  try {
    websocket.emit('upgrade', response);
  } catch (error) {
    socket.once('end', () => socket.end()).resume();
    throw error;
  }
}

/** The error of an operation that a signal aborted. */
export function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error('The operation was aborted', { cause: signal?.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}
