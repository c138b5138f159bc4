// `Sender` writes frames, valid or not, to a socket: at once, in pieces, or each in its own turn of the event loop.

import { randomFillSync } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Step } from './case.js';
import { after } from './patience.js';
import type { Recorder } from './recorder.js';
import { applyMask, encodeHeader, type FrameHeader, Opcode } from './wire.js';

/** The fields of a frame besides its opcode and payload. */
export interface FrameShape {
  fin?: boolean;
  rsv?: number;
  chopSize?: number | null;
  sync?: boolean;
  /** The payload's length where the log shows `shown`, the unit that it repeats. */
  repeatLength?: number | null;
  shown?: Buffer;
  odd?: (Step & { do: 'frame' })['odd'];
}

/** Random masking keys, unused from `fresh` on. They are made together, because some cases send a hundred thousand frames. */
const keys = Buffer.alloc(16 * 1024);
let fresh = keys.length;

/** A new masking key (RFC 6455 5.3). */
function freshKey(): Buffer {
  if (fresh === keys.length) {
    randomFillSync(keys);
    fresh = 0;
  }
  fresh += 4;
  return Buffer.from(keys.subarray(fresh - 4, fresh));
}

/** The number of pieces above which a frame has no pauses: they would take too long, and no verdict depends on them. */
const MAX_PAUSES = 500;
/** The milliseconds between pieces, so that a peer that reads at once reads each alone. */
const PAUSE = 1;
/** The seconds that a frame that is written alone waits for the answer to the message or ping before it. */
const ANSWER = 0.25;

/** The wait between a piece and the next one. */
type Rest = 'nothing' | 'turn' | 'pause' | 'answer';

/** The sender of one socket. */
export class Sender {
  readonly #socket: Duplex;
  readonly #role: 'client' | 'server';
  readonly #recorder: Recorder;
  /** The masking key of the frame that `sendHeader` began. */
  #mask: Uint8Array | null = null;
  #maskPhase = 0;
  #together: Buffer[] = [];
  #queue: { bytes: Buffer; rest: Rest }[] = [];
  #begun = false;
  #proceed: (() => void) | null = null;
  #pumping = false;
  #stopped = false;

  constructor(socket: Duplex, role: 'client' | 'server', recorder: Recorder) {
    this.#socket = socket;
    this.#role = role;
    this.#recorder = recorder;
  }

  /** Writes the bytes of this turn, drops the queue, and sends nothing more. */
  stop(): void {
    this.flush();
    this.#stopped = true;
    this.#queue = [];
    this.#proceed?.();
  }

  /** Sends the header of a frame; {@link sendOctets} sends its payload. */
  sendHeader(header: Pick<FrameHeader, 'fin' | 'opcode' | 'length'>): void {
    this.#mask = this.#maskFor();
    this.#maskPhase = 0;
    this.write(encodeHeader({ ...header, rsv: 0, mask: this.#mask }));
  }

  /** Sends a part of the payload of the frame that `sendHeader` began. */
  sendOctets(payload: Buffer): void {
    const bytes = Buffer.from(payload);
    if (this.#mask !== null) applyMask(bytes, this.#mask, this.#maskPhase);
    this.#maskPhase += bytes.length;
    this.write(bytes);
  }

  /** Sends a message; `payload` is in its form on the wire, compressed or not. Only the first frame has the RSV bits. */
  sendMessage(opcode: number, payload: Buffer, fragment: number | null, rsv: number): void {
    if (fragment === null || fragment >= payload.length) {
      this.sendFrame(opcode, payload, { rsv });
      return;
    }
    // A message whose length is a multiple of the fragment size ends with an empty frame, as in the classic suite.
    for (let at = 0; ; at += fragment) {
      const fin = at + fragment > payload.length;
      const first = at === 0;
      this.sendFrame(first ? opcode : Opcode.Continuation, payload.subarray(at, at + fragment), {
        fin,
        rsv: first ? rsv : 0,
      });
      if (fin) return;
    }
  }

  /** The masking key of a frame. RFC 6455 5.1: a client masks and a server does not; a case may differ. */
  #maskFor(odd?: 'wrong role' | 'zero'): Uint8Array | null {
    const masked = (this.#role === 'client') !== (odd === 'wrong role');
    if (!masked) return null;
    return odd === 'zero' ? Buffer.alloc(4) : freshKey();
  }

  /** Sends one frame. */
  sendFrame(opcode: number, payload: Buffer, shape: FrameShape = {}): void {
    const {
      fin = true,
      rsv = 0,
      chopSize = null,
      sync = false,
      repeatLength = null,
      shown = payload,
      odd = {},
    } = shape;
    const mask = this.#maskFor(odd.mask);
    const header: FrameHeader = { fin, rsv, opcode, mask, length: payload.length };
    const head = encodeHeader(header, odd.form);
    const bytes = Buffer.concat([head, payload]);
    const answer = this.#wantsAnswer(header);
    if (mask !== null) applyMask(bytes.subarray(head.length), mask);
    this.#recorder.frameSent(header, shown, bytes.length, { repeatLength, chopSize, sync });
    if (chopSize === null && !sync) {
      this.write(bytes);
      return;
    }
    const size = chopSize ?? bytes.length;
    const between = bytes.length > size * MAX_PAUSES ? 'turn' : 'pause';
    for (let at = 0; at < bytes.length; at += size) {
      const last = at + size >= bytes.length;
      this.#enqueue(bytes.subarray(at, at + size), last && answer ? 'answer' : between);
    }
  }

  /** Whether a peer answers this frame: it is a ping or ends a message, and is valid. */
  #wantsAnswer({ opcode, fin, rsv }: FrameHeader): boolean {
    if (rsv !== 0) return false;
    if (opcode === Opcode.Ping) return true;
    const begun = this.#begun;
    if (opcode === Opcode.Text || opcode === Opcode.Binary) {
      this.#begun = !fin;
      return fin && !begun;
    }
    if (opcode !== Opcode.Continuation) return false;
    if (fin) this.#begun = false;
    return fin && begun;
  }

  /** Notes an answer, for which writes may wait. */
  answered(): void {
    this.#proceed?.();
  }

  /** Writes bytes together with the other writes of this turn, or after the queue. */
  write(bytes: Buffer): void {
    if (this.#queue.length > 0) {
      this.#enqueue(bytes, 'nothing');
      return;
    }
    this.#recorder.octetsSent(bytes, false);
    if (this.#together.length === 0) queueMicrotask(() => this.flush());
    this.#together.push(bytes);
  }

  /** Writes at once the bytes that wait for the end of this turn. */
  flush(): void {
    if (this.#together.length === 0) return;
    const bytes = this.#together.length === 1 ? this.#together[0] : Buffer.concat(this.#together);
    this.#together = [];
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  #enqueue(bytes: Buffer, rest: Rest): void {
    this.#queue.push({ bytes, rest });
    this.#pump();
  }

  /**
   * Writes the queue, with a pause between separate pieces, and waits for an answer after a whole message. The peer then reads
   * them separately even if it is busy, so that the verdict does not depend on chance.
   */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.flush();
    let at = 0;
    const turn = (): void => {
      let rest: Rest = 'nothing';
      while (at < this.#queue.length && rest === 'nothing' && !this.#stopped && this.#socket.writable) {
        const piece = this.#queue[at++];
        rest = piece.rest;
        this.#recorder.octetsSent(piece.bytes, rest !== 'nothing');
        this.#socket.write(piece.bytes);
      }
      if (rest !== 'nothing') {
        this.#after(rest, turn);
        return;
      }
      this.#queue = [];
      this.#pumping = false;
    };
    turn();
  }

  #after(rest: Exclude<Rest, 'nothing'>, turn: () => void): void {
    if (rest === 'turn') setImmediate(turn);
    else if (rest === 'pause') setTimeout(turn, PAUSE);
    else {
      const proceed = (): void => {
        if (this.#proceed !== proceed) return;
        this.#proceed = null;
        cancel();
        turn();
      };
      const cancel = after(ANSWER, proceed);
      this.#proceed = proceed;
    }
  }
}
