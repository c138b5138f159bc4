// `refuse` answers an upgrade request with an error; the functions around it decide whether the application hears why.
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FieldValue } from '../../handshake/field.js';
import { writeRefusal, type Refusal } from '../../handshake/server.js';
import { publishRefused } from '../channels.js';
import { isStream, refuseStream } from '../http2/answer.js';

/** A WebSocketServer as its refusals know it. */
export interface Refuser extends EventEmitter {
  readonly options: {
    readonly verifyClient?: unknown;
    readonly handleProtocols?: unknown;
    readonly WebSocket?: unknown;
  };
}

const kUsed: unique symbol = Symbol('used');

/** The socket of an upgrade request, marked once a connection has been made of it. */
type UpgradeSocket = Duplex & { [kUsed]?: boolean };

export function markUsed(socket: Duplex): void {
  (socket as UpgradeSocket)[kUsed] = true;
}

export function isUsed(socket: Duplex): boolean {
  return (socket as UpgradeSocket)[kUsed] === true;
}

function onSocketError(this: Duplex): void {
  this.destroy();
}

/** A socket that fails during the handshake is destroyed, and its error is told to nobody. */
export function watchErrors(socket: Duplex): void {
  socket.on('error', onSocketError);
}

export function unwatchErrors(socket: Duplex): void {
  socket.removeListener('error', onSocketError);
}

/** The text of any value, '' for undefined and null; throws for a value that has none. */
export function textOf(value: unknown): string {
  return [value].join();
}

/** Whether an option is a function; if not, the client gets a 500 and the application is told. */
export function isFunction(
  server: Refuser,
  name: 'verifyClient' | 'handleProtocols' | 'WebSocket',
  request: IncomingMessage,
  socket: Duplex,
): boolean {
  if (typeof server.options[name] === 'function') return true;
  refuseAndTell(server, request, socket, new TypeError(`The "${name}" option must be a function`));
  return false;
}

/** Calls a function of the application; an error that it throws goes on, after the client has its answer. */
export function refusingThrown<T>(socket: Duplex, call: () => T): T {
  let isDone = false;
  try {
    const result = call();
    isDone = true;
    return result;
  } finally {
    // A function that admitted the client, or refused it, before it threw has answered.
    if (!isDone && !isUsed(socket) && !socket.writableEnded) refuse(socket, 500);
  }
}

/** Refuses a request that does not ask properly, or leaves that to the listeners of 'wsClientError'. */
export function refuseOrTell(
  server: Refuser,
  request: IncomingMessage,
  socket: Duplex,
  { status, message, headers }: Pick<Refusal, 'status' | 'message' | 'headers'>,
): void {
  if (server.listenerCount('wsClientError') > 0) {
    server.emit('wsClientError', new Error(message), socket, request);
  } else {
    refuse(socket, status, message, headers);
  }
}

/**
 * A value of the application's cannot be used: the listeners of 'wsClientError' hear why and answer, or else the client gets a
 * 500 and the listeners of 'error' hear it. It never throws, as any client may bring it about.
 */
export function refuseAndTell(server: Refuser, request: IncomingMessage, socket: Duplex, error: unknown): void {
  if (server.listenerCount('wsClientError') > 0) {
    server.emit('wsClientError', error, socket, request);
    return;
  }
  refuse(socket, 500);
  if (server.listenerCount('error') > 0) server.emit('error', error);
}

/** Answers with an error and ends the socket; throws before it writes, for values that cannot stand in a head. */
export function refuse(socket: Duplex, status: unknown, message?: unknown, headers?: unknown): void {
  const fields = (headers ?? {}) as Record<string, FieldValue>;
  const text = textOf(message || '');
  if (isStream(socket)) {
    refuseStream(socket, Number(status), text, fields);
  } else {
    const response = writeRefusal(Number(status), text, fields);
    socket.once('finish', () => socket.destroy());
    socket.end(response);
  }
  publishRefused(socket, Number(status), text);
}
