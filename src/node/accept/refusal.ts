// `refuse` answers an upgrade request with an error; the functions beside it report the reason to the application.
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FieldValue } from '../../handshake/field.js';
import { writeRefusal, type Refusal } from '../../handshake/server.js';
import { publishRefused } from '../channels.js';
import { isStream, refuseStream } from '../http2/answer.js';

/** The part of a WebSocketServer that refuses requests. */
export interface Refuser extends EventEmitter {
  readonly options: {
    readonly verifyClient?: unknown;
    readonly handleProtocols?: unknown;
    readonly WebSocket?: unknown;
  };
}

const kUsed: unique symbol = Symbol('used');

/** The socket of an upgrade request, marked once it has become a connection. */
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

/** Destroys a socket that fails during the handshake, without reporting its error. */
export function watchErrors(socket: Duplex): void {
  socket.on('error', onSocketError);
}

export function unwatchErrors(socket: Duplex): void {
  socket.removeListener('error', onSocketError);
}

/** The text of any value, '' for undefined and null; throws for a value without one. */
export function textOf(value: unknown): string {
  return [value].join();
}

/** Whether an option is a function; if not, the client gets a 500 and the application an error. */
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

/** Calls a function of the application; an error that it throws is passed on, after the client has its answer. */
export function refusingThrown<T>(socket: Duplex, call: () => T): T {
  let isDone = false;
  try {
    const result = call();
    isDone = true;
    return result;
  } finally {
    // A function that threw after it admitted or refused the client has answered.
    if (!isDone && !isUsed(socket) && !socket.writableEnded) refuse(socket, 500);
  }
}

/** Refuses a malformed request, or leaves that to the listeners of 'wsClientError'. */
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
 * Reports an unusable value of the application: the listeners of 'wsClientError' get the reason and answer, or else the
 * client gets a 500 and the listeners of 'error' the reason. It never throws, since any client may cause it.
 * Deviation from ws (D18): ws ends the process, or writes the value.
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
  const fields = { ...(headers as Record<string, FieldValue>) };
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
