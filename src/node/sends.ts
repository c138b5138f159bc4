// `sendOther` and the functions beside it send through a session everything except the bytes that `send` hands to it directly.
import { assertControlLength } from '../codec/control-length.js';
import { encodeClosePayload } from '../codec/close-payload.js';
import { FrameEncoder, LEND_FROM } from '../codec/frame-encoder.js';
import { frameAt } from '../codec/header.js';
import { State } from '../connection/state.js';
import { FIN, Opcode, Role } from '../spec/frame.js';
import { channels, publishSent } from './channels.js';
import { isBlob, isSteady, sizeOf, toMask, toPayload, toReason, type Sendable } from './data.js';
import { catchUp, isTickOver } from './flush-time.js';
import type { FramedMessage } from './framed-message.js';
import type { FramedRun } from './framed-run.js';
import type { SendCallback } from './send-callback.js';
import type { Session } from './session.js';
import { inOwnContext } from './socket-writer.js';
import type { MessageOptions } from './types.js';
import { joined, nodeValues } from './values.js';

type Callback = SendCallback | undefined;

const { messageSent, pingSent, pongSent } = channels;

/** Sends bytes or text with options. Without the option `binary`, `isBytes` decides how. */
export function sendPayload(
  session: Session,
  payload: Uint8Array | string,
  options: MessageOptions | undefined,
  callback: Callback,
  isBytes: boolean,
): void {
  // As in ws, an option that is present counts even if it is undefined.
  // Deviation from ws (D16): an inherited option counts too.
  let binary = isBytes;
  let fin = true;
  let compress = true;
  if (options !== undefined) {
    if ('binary' in options) binary = Boolean(options.binary);
    if ('fin' in options) fin = Boolean(options.fin);
    if ('compress' in options) compress = Boolean(options.compress);
    const isMasked = toMask(options.mask, session.isServer);
    if (isMasked === session.isServer) {
      const first = (fin ? FIN : 0) | (binary ? Opcode.Binary : Opcode.Text);
      sendFrame(session, first, payload, isMasked, callback);
      if (messageSent.hasSubscribers) publishSent(session.face, payload, binary, fin);
      return;
    }
  }
  const lent = payload.length >= LEND_FROM && session.canLend && isSteady(payload);
  if (session.connection.sendData(payload, binary, fin, compress, lent)) session.sent(callback);
  else session.hold(callback);
  // A subscriber may close the connection: after the message, not before it.
  if (messageSent.hasSubscribers) publishSent(session.face, payload, binary, fin);
  if (session.aside !== undefined) session.takeUp(session.aside);
}

/** Sends data that has to be converted first, or that waits for a Blob. */
export function sendOther(
  session: Session,
  data: Sendable,
  options: MessageOptions | undefined,
  callback: Callback,
): void {
  const isBytes = typeof data !== 'string' && typeof data !== 'number';
  inTurn(session, data, callback, (payload, told) => sendPayload(session, payload, options, told, isBytes));
}

/**
 * Sends a ping or pong.
 * @throws RangeError when the data is longer than 125 bytes
 */
export function sendControl(
  session: Session,
  opcode: Opcode.Ping | Opcode.Pong,
  data: Sendable,
  mask: unknown,
  callback: Callback,
): void {
  catchUp();
  const payload = isBlob(data) ? data : toPayload(data);
  assertControlLength(isBlob(payload) ? payload.size : sizeOf(payload));
  inTurn(session, payload, callback, (bytes, told) => {
    const { connection, isServer, face } = session;
    const isMasked = toMask(mask, isServer);
    if (isMasked === isServer) sendFrame(session, FIN | opcode, bytes, isMasked, told);
    else session.settleSend(opcode === Opcode.Ping ? connection.ping(bytes) : connection.pong(bytes), told);
    const sent = opcode === Opcode.Ping ? pingSent : pongSent;
    if (sent.hasSubscribers) sent.publish({ websocket: face, data: bytes });
  });
}

/**
 * Starts the closing handshake.
 * @throws TypeError for a code that may not be sent or a reason of a wrong type; RangeError when the reason is too long
 */
export function sendClose(session: Session, code: number | undefined, reason: unknown): void {
  const { gate } = session;
  const text = toReason(code, reason);
  if (gate?.isShut !== true) {
    startClose(session, code, text);
  } else {
    // A mistake throws here, not when the Blob has been read; the reason is copied here too.
    const kept = encodeClosePayload(code, typeof text === 'string' ? nodeValues.encode(text) : joined([text])).subarray(
      2,
    );
    gate.wait(0, undefined, () => startClose(session, code, kept));
  }
}

/** Sends a message to many, in the form that this connection shares with others; it leaves with the other sends of its tick. */
export function sendFramed(session: Session, message: FramedMessage, callback: Callback): void {
  const { sharing, gate } = session;
  const { frame } = message;
  const form = message.compress && sharing !== undefined ? message.formFor(sharing) : frame;
  if (form instanceof Promise) {
    const told = callback && inOwnContext(callback);
    const write = (made: Uint8Array): void => writeFramed(session, message, made, told);
    session.openGate().load(frame.length, () => form, told, write);
  } else if (gate?.isShut === true) {
    const told = callback && inOwnContext(callback);
    gate.wait(form.length, told, () => writeFramed(session, message, form, told));
  } else {
    writeFramed(session, message, form, callback);
  }
}

/** Sends messages to many in one piece; false where something stands between them and the socket. */
export function sendRun(session: Session, run: FramedRun): boolean {
  const { connection, gate, face, sharing } = session;
  // It has ended within this read.
  if (connection.state !== State.Open) return true;
  if (gate?.isShut === true || connection.isAmidMessage || connection.queuedMessages > 0) return false;
  const counts = face.statistics !== undefined;
  if (!run.isPlain && (counts || (session.agreement !== undefined && sharing === undefined))) return false;
  const piece = run.pieceFor(sharing);
  if (piece === undefined) return false;
  const { frames, contents } = piece;
  const isWritten = isTickOver() && !counts && session.writeShared(frames);
  if (!isWritten && connection.sendShared(frames)) session.gathered();
  for (const content of contents) connection.learn(content);
  return true;
}

function writeFramed(session: Session, message: FramedMessage, form: Uint8Array, callback: Callback): void {
  // RFC 6455 5.4: no other message may come between the fragments of a message.
  if (session.connection.isAmidMessage) {
    return session.putAside(form.length, callback, (told) => writeFramed(session, message, form, told));
  }
  const content = form === message.frame ? undefined : message.content;
  if (content !== undefined) {
    const { statistics } = session.face;
    if (statistics !== undefined) {
      statistics.sent.uncompressed += content.length;
      statistics.sent.compressed += form.length - frameAt(form, 0).payload;
    }
  }
  if (!session.connection.sendShared(form, content)) session.hold(callback);
  else if (callback === undefined) session.gathered();
  else session.sent(callback);
  if (!messageSent.hasSubscribers) return;
  // The application may have changed its own bytes since.
  const sent = typeof message.payload === 'string' ? message.payload : message.content;
  publishSent(session.face, sent, message.isBinary, true);
}

/** Sends a message to many on a connection that has to compress it for itself. */
export function sendAlone(session: Session, { payload, content, isBinary }: FramedMessage, callback: Callback): void {
  const options = { binary: isBinary, compress: true };
  const data = typeof payload === 'string' ? payload : content;
  const send = (_payload: Uint8Array | string, told: Callback): void => {
    if (session.connection.isAmidMessage) session.putAside(content.length, told, (later) => send(data, later));
    else sendPayload(session, data, options, told, true);
  };
  inTurn(session, data, callback, send);
}

/** Queues the Close, unless the connection has been closed meanwhile. */
function startClose(session: Session, code: number | undefined, reason: Uint8Array | string): void {
  const { connection } = session;
  const isOpen = connection.state === State.Open;
  const written = connection.close(code, reason);
  session.settleSend(written || !isOpen, undefined);
}

/** Calls `send` with data at once, or after the Blobs that are being read, with a callback that then keeps its context. */
function inTurn(
  session: Session,
  data: Sendable,
  callback: Callback,
  send: (payload: Uint8Array | string, told: Callback) => void,
): void {
  if (isBlob(data)) {
    const told = callback && inOwnContext(callback);
    session.openGate().read(data, told, (bytes) => send(bytes, told));
    return;
  }
  const payload = toPayload(data);
  const { gate } = session;
  if (gate?.isShut !== true) {
    send(payload, callback);
  } else {
    const told = callback && inOwnContext(callback);
    const kept = typeof payload === 'string' ? payload : joined([payload]);
    gate.wait(sizeOf(payload), told, () => send(kept, told));
  }
}

/** Sends a frame with a mask that this role does not use, or without the one that it does (RFC 6455 5.1). */
function sendFrame(
  session: Session,
  first: number,
  payload: Uint8Array | string,
  isMasked: boolean,
  callback: Callback,
): void {
  const encoder = new FrameEncoder({ role: isMasked ? Role.Client : Role.Server, values: nodeValues });
  if (typeof payload === 'string') encoder.text(first, payload);
  else encoder.frame(first, payload);
  session.settleSend(session.connection.sendEncoded(joined(encoder.take()), true), callback);
}
