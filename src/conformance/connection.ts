// `Connection` is an open connection of the examiner: it turns received bytes into events and steps into sent bytes.
// It keeps the facts by which the closing is judged, and lets a case break any rule when sending.

import { isUtf8 } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { octetsOf, type ReceivedEvent, type Step } from './case.js';
import type { DeflateAgreement } from './deflate.js';
import { type ClosingFacts, isCloseCode, noFacts } from './facts.js';
import { Incoming, type Received } from './incoming.js';
import { after } from './patience.js';
import type { Recorder } from './recorder.js';
import { Sender } from './sender.js';
import { Opcode } from './wire.js';

/** The number of events after which the examiner fails a testee that sends without end. */
const MAX_EVENTS = 10_000;

/** The bytes that the testee has not read, above which the examiner no longer answers its pings. */
const MAX_UNREAD = 1024 * 1024;

/** The callbacks of a connection. */
export interface ConnectionHandlers {
  /** Called with a message, a pong or the end of a pause. */
  event: (event: ReceivedEvent) => void;
  /** Replaces decompression: returns the message of a compressed payload that it knows, else undefined. */
  known?: (payload: Buffer) => Buffer | undefined;
}

/** The seconds that the examiner waits for the testee's Close frame, and for the server to drop TCP. */
export interface ClosingTimes {
  reply: number;
  drop: number;
}

export class Connection {
  readonly facts: ClosingFacts = noFacts();
  /** The first fault of the testee for which the examiner failed the connection, before the testee's Close frame. */
  fault: string | null = null;
  /** The sender of frames that are not part of the closing. */
  readonly sender: Sender;
  readonly #socket: Duplex;
  readonly #role: 'client' | 'server';
  readonly #times: ClosingTimes;
  readonly #handlers: ConnectionHandlers;
  readonly #incoming: Incoming;
  #timers: (() => void)[] = [];
  #state: 'open' | 'closing' | 'closed' = 'open';
  #closeReceived = false;
  #events = 0;
  constructor(
    socket: Duplex,
    options: {
      role: 'client' | 'server';
      recorder: Recorder;
      times: ClosingTimes;
      deflate: DeflateAgreement | null;
      handlers: ConnectionHandlers;
    },
  ) {
    this.#socket = socket;
    this.sender = new Sender(socket, options.role, options.recorder);
    this.#role = options.role;
    this.#times = options.times;
    this.#handlers = options.handlers;
    this.#incoming = new Incoming(options.role, options.deflate, options.recorder, options.handlers.known);
  }

  /** Whether neither side has sent a Close frame. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Calls back after `seconds`, unless the connection is closed by then. */
  after(seconds: number, callback: () => void): void {
    const unlessClosed = (): void => {
      if (this.#state !== 'closed') callback();
    };
    this.#timers.push(after(seconds, unlessClosed));
  }

  // ---- receiving ---------------------------------------------------------------------------------------------------------------

  /** Takes in a chunk of the socket. The caller records it, because the last read of the handshake may contain frames. */
  receive(chunk: Buffer): void {
    if (this.#state === 'closed') return;
    this.#incoming.push(chunk);
    while (!this.#hasClosed()) {
      const received = this.#incoming.next();
      if (received === undefined) return;
      this.#handle(received);
    }
  }

  #hasClosed(): boolean {
    return this.#state === 'closed';
  }

  #handle(received: Received): void {
    switch (received.kind) {
      case 'fault':
        this.#blame(received.code, received.text);
        return;
      case 'close':
        this.#handleClose(received.payload);
        return;
      case 'ping':
        // A testee that sends without end and does not read receives no more pongs.
        if (this.#state === 'open' && this.#socket.writableLength < MAX_UNREAD) {
          this.sender.sendFrame(Opcode.Pong, received.payload);
        }
        return;
      case 'pong':
      case 'message':
        this.#emit(received);
    }
  }

  #blame(code: number, text: string): void {
    if (!this.#closeReceived) this.fault ??= text;
    this.fail(code, text);
  }

  #emit(event: ReceivedEvent): void {
    this.#events++;
    if (this.#events > MAX_EVENTS) this.#blame(1008, `more than ${MAX_EVENTS} messages and pongs`);
    else {
      this.#handlers.event(event);
      this.sender.answered();
    }
  }

  #handleClose(payload: Buffer): void {
    const { facts } = this;
    if (this.#closeReceived) return;
    if (payload.length >= 2) {
      facts.remoteCloseCode = payload.readUInt16BE(0);
      const reason = payload.subarray(2);
      facts.remoteCloseReason = reason.length > 0 ? reason.toString() : null;
      if (!isCloseCode(facts.remoteCloseCode)) {
        this.#blame(1002, `close frame with the code ${facts.remoteCloseCode}`);
        this.#closeReceived = true;
        return;
      }
      if (!isUtf8(reason)) {
        this.#blame(1007, 'close frame whose reason is no UTF-8');
        this.#closeReceived = true;
        return;
      }
    }
    this.#closeReceived = true;
    facts.wasClean = true;
    if (this.#state === 'open') {
      // The classic suite answers every code with 1000.
      this.#sendClose(Buffer.from([0x03, 0xe8]), 1000, null);
    }
    if (this.#role === 'server') {
      this.#drop();
      return;
    }
    // RFC 6455 7.1.1: the server closes TCP first.
    this.after(this.#times.drop, () => {
      facts.wasClean = false;
      facts.wasNotCleanReason = 'server did not drop TCP connection (in time)';
      facts.wasServerConnectionDropTimeout = true;
      this.#drop();
    });
  }

  // ---- closing -----------------------------------------------------------------------------------------------------------------

  /** Starts the closing handshake, with or without a code; does nothing if it has begun. */
  close(code: number | null, reason: string | null = null): void {
    const head = Buffer.alloc(code === null ? 0 : 2);
    if (code !== null) head.writeUInt16BE(code);
    this.startClosing(Buffer.concat([head, Buffer.from(reason ?? '')]), code, reason);
  }

  /** Starts the closing handshake with this payload. */
  startClosing(payload: Buffer, code: number | null, reason: string | null): void {
    if (this.#state !== 'open') return;
    this.facts.closedByMe = true;
    this.#sendClose(payload, code, reason);
    this.after(this.#times.reply, () => {
      const { facts } = this;
      if (facts.wasClean) return;
      facts.wasNotCleanReason = 'peer did not respond (in time) in closing handshake';
      facts.wasCloseHandshakeTimeout = true;
      this.#drop();
    });
  }

  #sendClose(payload: Buffer, code: number | null, reason: string | null): void {
    this.sender.sendFrame(Opcode.Close, payload);
    this.sender.answered();
    this.#state = 'closing';
    this.facts.localCloseCode = code;
    this.facts.localCloseReason = reason;
  }

  /** Fails the connection: sends a Close frame, or drops TCP if the closing handshake has begun. */
  fail(code: number, reason: string): void {
    if (this.#state === 'closed') return;
    this.facts.failedByMe = true;
    if (this.#state === 'open') this.close(code, reason);
    else {
      this.facts.wasNotCleanReason ??= `failed while closing: ${reason}`;
      this.#drop();
    }
  }

  #drop(): void {
    if (this.#state === 'closed') return;
    this.facts.droppedByMe = true;
    this.#state = 'closed';
    this.sender.stop();
    endSocket(this.#socket);
    // What a peer does not read keeps its socket open.
    this.#socket.once(
      'close',
      after(this.#times.drop, () => this.#socket.destroy()),
    );
  }

  /** Ends the connection; the caller calls it when the socket has closed. */
  lost(): void {
    this.#state = 'closed';
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
    this.sender.stop();
    const { facts } = this;
    if (!facts.wasClean && !facts.droppedByMe) {
      facts.wasNotCleanReason ??= 'peer dropped the TCP connection without previous WebSocket closing handshake';
    }
  }

  // ---- sending -----------------------------------------------------------------------------------------------------------------

  /** Performs one step that is not a pause. */
  perform(step: Exclude<Step, { do: 'wait' }>): void {
    if (this.#state === 'closed') return;
    switch (step.do) {
      case 'frame': {
        const content = octetsOf(step.payload);
        const repeatLength =
          step.payload.unit.length > 1 && step.payload.length > step.payload.unit.length ? content.length : null;
        this.sender.sendFrame(step.opcode, content, {
          ...step,
          chopSize: step.chop,
          repeatLength,
          shown: repeatLength === null ? content : step.payload.unit,
        });
        return;
      }
      case 'close': {
        const reason = step.payload.length > 2 ? step.payload.subarray(2).toString() : null;
        this.startClosing(step.payload, step.code, reason);
        return;
      }
      case 'message':
        this.sender.sendMessage(step.opcode, octetsOf(step.payload), step.fragment, 0);
        return;
      case 'header':
        this.sender.sendHeader(step);
        return;
      case 'bytes':
        this.sender.sendOctets(step.payload);
    }
  }
}

/** Ends a socket once everything is written, without waiting for the peer. */
export function endSocket(socket: Duplex): void {
  if ('destroySoon' in socket && typeof socket.destroySoon === 'function') socket.destroySoon();
  else socket.end(() => socket.destroy());
}

/** Whether a socket has ended, by the peer or by {@link endSocket}, so that its case has its verdict. */
export function isOver({ destroyed, writableEnded }: Duplex): boolean {
  return destroyed || writableEnded;
}
