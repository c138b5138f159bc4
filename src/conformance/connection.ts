// One WebSocket connection of the examiner after its opening handshake: octets of a socket become events, and steps become octets. It keeps
// the facts by which the closing is judged, and it lets a case break every rule when sending.

import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { octetsOf, type ReceivedEvent, type Step } from './case.js';
import { Compressor, Decompressor, type DeflateAgreement, directionOf } from './deflate.js';
import type { Recorder } from './recorder.js';
import {
  applyMask,
  encodeHeader,
  type Fault,
  type FrameHeader,
  FrameReader,
  isControl,
  MAX_PAYLOAD,
  Opcode,
  type ReadFrame,
} from './wire.js';

/** Events after which a testee that sends without end is failed. */
const MAX_EVENTS = 10_000;

/** Octets that the testee has not read, above which its pings are no longer answered. */
const MAX_UNREAD = 1024 * 1024;

/** The facts of a result that the closing brings about; their names are the classic ones. */
export interface ClosingFacts {
  closedByMe: boolean;
  failedByMe: boolean;
  droppedByMe: boolean;
  wasClean: boolean;
  wasNotCleanReason: string | null;
  wasServerConnectionDropTimeout: boolean;
  wasOpenHandshakeTimeout: boolean;
  wasCloseHandshakeTimeout: boolean;
  localCloseCode: number | null;
  localCloseReason: string | null;
  remoteCloseCode: number | null;
  remoteCloseReason: string | null;
}

/** The facts of a connection of which nothing is known yet. */
export function noFacts(): ClosingFacts {
  return {
    closedByMe: false,
    failedByMe: false,
    droppedByMe: false,
    wasClean: false,
    wasNotCleanReason: null,
    wasServerConnectionDropTimeout: false,
    wasOpenHandshakeTimeout: false,
    wasCloseHandshakeTimeout: false,
    localCloseCode: null,
    localCloseReason: null,
    remoteCloseCode: null,
    remoteCloseReason: null,
  };
}

/** What a message that came compressed was on the wire, for whoever wants to compare. */
export interface ConnectionHandlers {
  /** A message, a pong or a pause that is over. */
  event: (event: ReceivedEvent) => void;
  /** Replaces decompression: returns the message when the payload is known, else undefined. */
  known?: (payload: Buffer) => Buffer | undefined;
}

/** Seconds the examiner waits in the closing handshake. */
export interface ClosingTimes {
  reply: number;
  drop: number;
}

export class Connection {
  readonly facts: ClosingFacts = noFacts();
  readonly compressor: Compressor | null;
  readonly #socket: Duplex;
  readonly #role: 'client' | 'server';
  readonly #recorder: Recorder;
  readonly #times: ClosingTimes;
  readonly #handlers: ConnectionHandlers;
  readonly #decompressor: Decompressor | null;
  readonly #reader: FrameReader;
  readonly #timers = new Set<NodeJS.Timeout>();
  #state: 'open' | 'closing' | 'closed' = 'open';
  #closeReceived = false;
  #events = 0;
  // Incoming message
  #parts: Buffer[] = [];
  #partsLength = 0;
  #message: { opcode: number; compressed: boolean } | null = null;
  /** A message that a fault cut off: its continuations are skipped as well. */
  #skipping = false;
  // Outgoing
  #mask: Uint8Array | null = null;
  #maskPhase = 0;
  #together: Buffer[] = [];
  #queue: { octets: Buffer; sync: boolean }[] = [];
  #pumping = false;

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
    this.#role = options.role;
    this.#recorder = options.recorder;
    this.#times = options.times;
    this.#handlers = options.handlers;
    const { deflate, role } = options;
    this.compressor = deflate === null ? null : new Compressor(directionOf(deflate, role));
    this.#decompressor =
      deflate === null ? null : new Decompressor(directionOf(deflate, role === 'client' ? 'server' : 'client'));
    this.#reader = new FrameReader((header) => this.#judge(header));
  }

  /** Neither side has sent a close frame. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Calls back after so many seconds, unless the connection is gone by then. What has arrived by that time is read first. */
  after(seconds: number, callback: () => void): void {
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (!this.#timers.delete(timer)) return;
        callback();
      });
    }, seconds * 1000);
    this.#timers.add(timer);
  }

  // ---- receiving ---------------------------------------------------------------------------------------------------------------

  /** Takes octets as the socket gave them (they are recorded elsewhere: the handshake's last read may hold frames). */
  receive(chunk: Buffer): void {
    if (this.#state === 'closed') return;
    this.#reader.push(chunk);
    for (;;) {
      const frame = this.#reader.next();
      if (frame === undefined) return;
      this.#recorder.frameReceived(frame.header, frame.payload, frame.header.length + headerSize(frame.header));
      this.#handle(frame);
      if (this.#hasClosed()) return;
    }
  }

  #hasClosed(): boolean {
    return this.#state === 'closed';
  }

  /** What is wrong with a header (RFC 6455 5.2, 5.4, 5.5; RFC 7692 6). */
  #judge(header: FrameHeader): Fault | null {
    const wrong = (text: string): Fault => ({ code: 1002, text });
    const { opcode, fin, rsv, mask, length } = header;
    if (this.#role === 'client' && mask !== null) return wrong('masked server frame');
    if (this.#role === 'server' && mask === null) return wrong('unmasked client frame');
    const mayCompress = this.#decompressor !== null && (opcode === Opcode.Text || opcode === Opcode.Binary);
    if (rsv !== 0 && !(rsv === 4 && mayCompress))
      return wrong(`RSV = ${rsv} without an extension that gives it a meaning`);
    if (isControl(opcode)) {
      if (!fin) return wrong('fragmented control frame');
      if (length > 125) return wrong(`control frame of ${length} octets`);
      if (opcode > Opcode.Pong) return wrong(`reserved control opcode ${opcode}`);
      if (opcode === Opcode.Close && length === 1) return wrong('close frame with a payload of one octet');
      return null;
    }
    if (opcode > Opcode.Binary) return wrong(`reserved data opcode ${opcode}`);
    const continues = this.#message !== null || this.#skipping;
    if (opcode === Opcode.Continuation && !continues) return wrong('continuation without a message to continue');
    if (opcode !== Opcode.Continuation && continues) return wrong('new message inside a fragmented one');
    if (this.#partsLength + length > MAX_PAYLOAD)
      return { code: 1009, text: `message of more than ${MAX_PAYLOAD} octets` };
    return null;
  }

  #handle({ header, payload, fault }: ReadFrame): void {
    if (fault !== null) {
      this.#abandonMessage(header.fin);
      this.fail(fault.code, fault.text);
      return;
    }
    switch (header.opcode) {
      case Opcode.Close:
        this.#handleClose(payload);
        return;
      case Opcode.Ping:
        // A testee that floods and does not read gets no more pongs.
        if (this.#state === 'open' && this.#socket.writableLength < MAX_UNREAD) this.#sendFrame(Opcode.Pong, payload);
        return;
      case Opcode.Pong:
        this.#emit({ kind: 'pong', payload });
        return;
      default:
        this.#handleData(header, payload);
    }
  }

  #handleData(header: FrameHeader, payload: Buffer): void {
    if (this.#skipping) {
      this.#skipping = !header.fin;
      return;
    }
    this.#message ??= { opcode: header.opcode, compressed: header.rsv === 4 };
    this.#parts.push(payload);
    this.#partsLength += payload.length;
    if (!header.fin) return;
    const { opcode, compressed } = this.#message;
    const whole = this.#parts.length === 1 ? payload : Buffer.concat(this.#parts);
    this.#abandonMessage(true);
    const message = compressed ? this.#decompress(whole) : whole;
    if (message === undefined) return;
    this.#recorder.incoming.messages++;
    this.#recorder.incoming.app += message.length;
    if (opcode === Opcode.Text && !isUtf8(message)) {
      this.fail(1007, 'text message that is no UTF-8');
      return;
    }
    this.#emit({ kind: 'message', payload: message, binary: opcode === Opcode.Binary });
  }

  #abandonMessage(finished: boolean): void {
    this.#message = null;
    this.#parts = [];
    this.#partsLength = 0;
    this.#skipping = !finished;
  }

  #decompress(payload: Buffer): Buffer | undefined {
    const known = this.#handlers.known?.(payload);
    if (known !== undefined) {
      this.#decompressor!.skip(known);
      return known;
    }
    const message = this.#decompressor!.decompress(payload, MAX_PAYLOAD);
    if (typeof message !== 'string') return message;
    this.fail(1007, `message that does not decompress (${message})`);
    return undefined;
  }

  #emit(event: ReceivedEvent): void {
    this.#events++;
    if (this.#events > MAX_EVENTS) this.fail(1008, `more than ${MAX_EVENTS} messages and pongs`);
    else this.#handlers.event(event);
  }

  #handleClose(payload: Buffer): void {
    const { facts } = this;
    if (this.#closeReceived) return;
    this.#closeReceived = true;
    if (payload.length >= 2) {
      facts.remoteCloseCode = payload.readUInt16BE(0);
      const reason = payload.subarray(2);
      facts.remoteCloseReason = reason.length > 0 ? reason.toString() : null;
      if (!isCloseCode(facts.remoteCloseCode)) {
        this.fail(1002, `close frame with the code ${facts.remoteCloseCode}`);
        return;
      }
      if (!isUtf8(reason)) {
        this.fail(1007, 'close frame whose reason is no UTF-8');
        return;
      }
    }
    facts.wasClean = true;
    if (this.#state === 'open') {
      // The classic suite answers with 1000, whatever came.
      this.#sendClose(Buffer.from([0x03, 0xe8]), 1000, null);
    }
    if (this.#role === 'server') {
      this.#drop();
      return;
    }
    // RFC 6455 7.1.1: the server closes TCP first
    this.after(this.#times.drop, () => {
      facts.wasClean = false;
      facts.wasNotCleanReason = 'server did not drop TCP connection (in time)';
      facts.wasServerConnectionDropTimeout = true;
      this.#drop();
    });
  }

  // ---- closing -----------------------------------------------------------------------------------------------------------------

  /** Starts the closing handshake, with a code or without one. Does nothing when it has begun. */
  close(code: number | null, reason: string | null = null): void {
    const head = Buffer.alloc(code === null ? 0 : 2);
    if (code !== null) head.writeUInt16BE(code);
    this.startClosing(Buffer.concat([head, Buffer.from(reason ?? '')]), code, reason);
  }

  /** Starts the closing handshake with exactly this payload. */
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
    this.#sendFrame(Opcode.Close, payload);
    this.#state = 'closing';
    this.facts.localCloseCode = code;
    this.facts.localCloseReason = reason;
  }

  /** Fails the connection: a close frame the first time, dropping TCP when the closing handshake has begun. */
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
    this.#flush();
    endSocket(this.#socket);
  }

  /** To be called when the socket is gone. */
  lost(): void {
    this.#state = 'closed';
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#queue = [];
    const { facts } = this;
    if (!facts.wasClean && !facts.droppedByMe) {
      facts.wasNotCleanReason ??= 'peer dropped the TCP connection without previous WebSocket closing handshake';
    }
  }

  // ---- sending -----------------------------------------------------------------------------------------------------------------

  /** Writes octets that the first frames are to be glued to. */
  writeFirst(octets: Buffer): void {
    this.#write(octets, false);
  }

  /** Does one step other than a pause. */
  perform(step: Exclude<Step, { do: 'wait' }>): void {
    if (this.#state === 'closed') return;
    switch (step.do) {
      case 'frame': {
        const content = octetsOf(step.payload);
        const repeatLength =
          step.payload.unit.length > 1 && step.payload.length > step.payload.unit.length ? content.length : null;
        this.#sendFrame(step.opcode, content, {
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
        this.sendMessage(step.opcode, octetsOf(step.payload), step.fragment, 0);
        return;
      case 'header': {
        this.#mask = this.#freshMask();
        this.#maskPhase = 0;
        this.#write(encodeHeader({ ...step, rsv: 0, mask: this.#mask }), false);
        return;
      }
      case 'octets': {
        const octets = Buffer.from(step.payload);
        if (this.#mask !== null) applyMask(octets, this.#mask, this.#maskPhase);
        this.#maskPhase += octets.length;
        this.#write(octets, false);
      }
    }
  }

  /** Sends a message whose payload is ready for the wire. RSV bits stand on the first frame only. */
  sendMessage(opcode: number, payload: Buffer, fragment: number | null, rsv: number): void {
    if (fragment === null || fragment >= payload.length) {
      this.#sendFrame(opcode, payload, { rsv });
      return;
    }
    // The loop ends only when it runs past the end: a multiple of the fragment size gets an empty final frame, as in the classic suite.
    for (let at = 0; ; at += fragment) {
      const fin = at + fragment > payload.length;
      const first = at === 0;
      this.#sendFrame(first ? opcode : Opcode.Continuation, payload.subarray(at, at + fragment), {
        fin,
        rsv: first ? rsv : 0,
      });
      if (fin) return;
    }
  }

  #freshMask(): Uint8Array | null {
    return this.#role === 'client' ? randomBytes(4) : null;
  }

  #sendFrame(
    opcode: number,
    payload: Buffer,
    options: {
      fin?: boolean;
      rsv?: number;
      chopSize?: number | null;
      sync?: boolean;
      repeatLength?: number | null;
      shown?: Buffer;
      odd?: (Step & { do: 'frame' })['odd'];
    } = {},
  ): void {
    const {
      fin = true,
      rsv = 0,
      chopSize = null,
      sync = false,
      repeatLength = null,
      shown = payload,
      odd = {},
    } = options;
    const mask =
      odd.mask === 'zero'
        ? this.#role === 'client'
          ? Buffer.alloc(4)
          : null
        : odd.mask === 'wrong role'
          ? this.#role === 'client'
            ? null
            : randomBytes(4)
          : this.#freshMask();
    const header: FrameHeader = { fin, rsv, opcode, mask, length: payload.length };
    const head = encodeHeader(header, odd.form);
    const octets = Buffer.concat([head, payload]);
    if (mask !== null) applyMask(octets.subarray(head.length), mask);
    this.#recorder.frameSent(header, shown, octets.length, { repeatLength, chopSize, sync });
    if (chopSize === null) {
      this.#write(octets, sync);
      return;
    }
    for (let at = 0; at < octets.length; at += chopSize) this.#write(octets.subarray(at, at + chopSize), true);
  }

  /** Writes octets: at once, together with what else is sent in this turn; or, when `sync`, by themselves in their own turn. */
  #write(octets: Buffer, sync: boolean): void {
    if (sync || this.#queue.length > 0) {
      this.#queue.push({ octets, sync });
      this.#pump();
      return;
    }
    this.#recorder.octetsSent(octets, false);
    if (this.#together.length === 0) queueMicrotask(() => this.#flush());
    this.#together.push(octets);
  }

  #flush(): void {
    if (this.#together.length === 0) return;
    const octets = this.#together.length === 1 ? this.#together[0] : Buffer.concat(this.#together);
    this.#together = [];
    if (this.#socket.writable) this.#socket.write(octets);
  }

  /** Writes what is queued, a turn of the event loop after each piece that wants to be alone. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#flush();
    let at = 0;
    const turn = (): void => {
      let alone = false;
      while (at < this.#queue.length && !alone && this.#state !== 'closed' && this.#socket.writable) {
        const { octets, sync } = this.#queue[at++];
        this.#recorder.octetsSent(octets, sync);
        this.#socket.write(octets);
        alone = sync;
      }
      if (alone) {
        setImmediate(turn);
        return;
      }
      this.#queue = [];
      this.#pumping = false;
    };
    turn();
  }
}

function headerSize({ length, mask }: FrameHeader): number {
  return (length <= 125 ? 2 : length <= 0xffff ? 4 : 10) + (mask === null ? 0 : 4);
}

/** RFC 6455 7.4 and the registry: codes that may stand in a close frame. */
export function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
}

/** Ends a socket after what was written, without waiting for the peer. */
export function endSocket(socket: Duplex): void {
  if ('destroySoon' in socket && typeof socket.destroySoon === 'function') socket.destroySoon();
  else socket.end(() => socket.destroy());
}
