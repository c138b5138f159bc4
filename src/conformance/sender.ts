// `Sender` writes frames to the socket: at once, in pieces, or each in a turn of its own; legal or not.

import { randomFillSync } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Step } from './case.js';
import { after } from './patience.js';
import type { Recorder } from './recorder.js';
import { applyMask, encodeHeader, type FrameHeader, Opcode } from './wire.js';

/** The fields of a frame besides opcode and payload. */
export interface FrameShape {
  fin?: boolean;
  rsv?: number;
  chopSize?: number | null;
  sync?: boolean;
  /** The payload's length when the log is to show `shown`, the unit that it repeats. */
  repeatLength?: number | null;
  shown?: Buffer;
  odd?: (Step & { do: 'frame' })['odd'];
}

/** Masking keys that are still to be used, from `fresh` on; drawn together, because many cases send a hundred thousand frames. */
const keys = Buffer.alloc(16 * 1024);
let fresh = keys.length;

/** A masking key that no frame has had (RFC 6455 5.3). */
function freshKey(): Buffer {
  if (fresh === keys.length) {
    randomFillSync(keys);
    fresh = 0;
  }
  fresh += 4;
  return Buffer.from(keys.subarray(fresh - 4, fresh));
}

/** Pieces above which a frame is written without pauses: it would take too long, and no verdict hangs on them. */
const MAX_PAUSES = 500;
/** Milliseconds between pieces, so that a peer that reads at once gets each by itself. */
const PAUSE = 1;
/** Seconds that a frame written apart waits for the answer to the message or ping before it. */
const ANSWER = 0.25;

/** The pause between a piece and the next one. */
type Rest = 'nothing' | 'turn' | 'pause' | 'answer';

/** Writes frames to one socket. */
export class Sender {
  readonly #socket: Duplex;
  readonly #role: 'client' | 'server';
  readonly #recorder: Recorder;
  /** Of the frame whose payload comes later. */
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

  /** Sends nothing more of the queue. */
  stop(): void {
    this.flush();
    this.#stopped = true;
    this.#queue = [];
    this.#proceed?.();
  }

  /** Sends a frame's header; its payload follows by {@link sendOctets}. */
  sendHeader(header: Pick<FrameHeader, 'fin' | 'opcode' | 'length'>): void {
    this.#mask = this.#maskFor();
    this.#maskPhase = 0;
    this.write(encodeHeader({ ...header, rsv: 0, mask: this.#mask }));
  }

  /** Sends payload of the frame that was opened last. */
  sendOctets(payload: Buffer): void {
    const bytes = Buffer.from(payload);
    if (this.#mask !== null) applyMask(bytes, this.#mask, this.#maskPhase);
    this.#maskPhase += bytes.length;
    this.write(bytes);
  }

  /** Sends a message whose payload is ready for the wire. RSV bits stand on the first frame only. */
  sendMessage(opcode: number, payload: Buffer, fragment: number | null, rsv: number): void {
    if (fragment === null || fragment >= payload.length) {
      this.sendFrame(opcode, payload, { rsv });
      return;
    }
    // The loop ends only when it runs past the end: a multiple of the fragment size gets an empty final frame, as in the classic suite.
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

  /** RFC 6455 5.1: a client masks and a server does not, unless the case wants it otherwise. */
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

  /** Whether a peer answers this frame: a whole message or a ping, sent as the rules want it. */
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

  /** An answer came: writes that wait for one go on. */
  answered(): void {
    this.#proceed?.();
  }

  /** Writes bytes at once, together with the other writes of this turn, or behind the queue. */
  write(bytes: Buffer): void {
    if (this.#queue.length > 0) {
      this.#enqueue(bytes, 'nothing');
      return;
    }
    this.#recorder.octetsSent(bytes, false);
    if (this.#together.length === 0) queueMicrotask(() => this.flush());
    this.#together.push(bytes);
  }

  /** Writes now the bytes that wait for the end of this turn. */
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
   * Writes the queue. Between pieces that want to be apart lies a pause, and behind a whole message its answer: so the peer reads
   * them apart, however busy it is, and the verdict is not a matter of chance.
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
