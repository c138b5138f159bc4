// Turns frames into writes of the socket: at once, in pieces, or each in a turn of its own; legal or not.

import { randomFillSync } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Step } from './case.js';
import type { Recorder } from './recorder.js';
import { applyMask, encodeHeader, type FrameHeader, Opcode } from './wire.js';

/** What a frame may have besides opcode and payload. */
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

/** Writes frames to one socket. */
export class Sender {
  readonly #socket: Duplex;
  readonly #role: 'client' | 'server';
  readonly #recorder: Recorder;
  /** Of the frame whose payload comes later. */
  #mask: Uint8Array | null = null;
  #maskPhase = 0;
  #together: Buffer[] = [];
  #queue: { octets: Buffer; sync: boolean }[] = [];
  #pumping = false;
  #stopped = false;

  constructor(socket: Duplex, role: 'client' | 'server', recorder: Recorder) {
    this.#socket = socket;
    this.#role = role;
    this.#recorder = recorder;
  }

  /** Sends nothing more of what is queued. */
  stop(): void {
    this.flush();
    this.#stopped = true;
    this.#queue = [];
  }

  /** Sends a frame's header; its payload follows by {@link sendOctets}. */
  sendHeader(header: Pick<FrameHeader, 'fin' | 'opcode' | 'length'>): void {
    this.#mask = this.#maskFor();
    this.#maskPhase = 0;
    this.write(encodeHeader({ ...header, rsv: 0, mask: this.#mask }), false);
  }

  /** Sends payload of the frame that was opened last. */
  sendOctets(payload: Buffer): void {
    const octets = Buffer.from(payload);
    if (this.#mask !== null) applyMask(octets, this.#mask, this.#maskPhase);
    this.#maskPhase += octets.length;
    this.write(octets, false);
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
    const octets = Buffer.concat([head, payload]);
    if (mask !== null) applyMask(octets.subarray(head.length), mask);
    this.#recorder.frameSent(header, shown, octets.length, { repeatLength, chopSize, sync });
    if (chopSize === null) {
      this.write(octets, sync);
      return;
    }
    for (let at = 0; at < octets.length; at += chopSize) this.write(octets.subarray(at, at + chopSize), true);
  }

  /** Writes octets: at once, together with what else is sent in this turn; or, when `sync`, by themselves in their own turn. */
  write(octets: Buffer, sync: boolean): void {
    if (sync || this.#queue.length > 0) {
      this.#queue.push({ octets, sync });
      this.#pump();
      return;
    }
    this.#recorder.octetsSent(octets, false);
    if (this.#together.length === 0) queueMicrotask(() => this.flush());
    this.#together.push(octets);
  }

  /** Writes now what waits for the end of this turn. */
  flush(): void {
    if (this.#together.length === 0) return;
    const octets = this.#together.length === 1 ? this.#together[0] : Buffer.concat(this.#together);
    this.#together = [];
    if (this.#socket.writable) this.#socket.write(octets);
  }

  /** Writes what is queued, a turn of the event loop after each piece that wants to be alone. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.flush();
    let at = 0;
    const turn = (): void => {
      let alone = false;
      while (at < this.#queue.length && !alone && !this.#stopped && this.#socket.writable) {
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
