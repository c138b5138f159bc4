// `readStream` computes how a testee must treat a generated stream, frame by frame (RFC 6455, RFC 7692).

import { isUtf8 } from 'node:buffer';
import { octetsOf, type Step } from '../case.js';
import { type DeflateDirection, inflateWhole, remember } from '../deflate.js';
import { isCloseCode } from '../facts.js';
import { isControl, Opcode } from '../wire.js';

/** One frame of a stream. */
export type Frame = Step & { do: 'frame' };

/** A message that the testee echoes. */
export interface Echo {
  payload: Buffer;
  binary: boolean;
}

/** How the testee must treat a stream. */
export interface Reading {
  echoes: Echo[];
  /** Payloads of the pings, in order. */
  pings: Buffer[];
  /** The rule that the stream breaks; null where the connection stays open. */
  fault: string | null;
  /** A Close frame ends the stream, and the testee answers it. */
  closed: boolean;
  /** Why the RFCs allow several treatments of the stream; null where they do not. */
  unclear: string | null;
}

/** Reads a stream; `deflate` is the agreement for its direction, null for none. */
export function readStream(frames: readonly Frame[], deflate: DeflateDirection | null): Reading {
  const reader = new Reader(deflate);
  for (const frame of frames) {
    reader.read(frame);
    if (reader.isOver) break;
  }
  return reader.end();
}

class Reader {
  readonly #reading: Reading = { echoes: [], pings: [], fault: null, closed: false, unclear: null };
  readonly #deflate: DeflateDirection | null;
  #window: Buffer = Buffer.alloc(0);
  #open: { opcode: number; compressed: boolean; parts: Buffer[] } | null = null;

  constructor(deflate: DeflateDirection | null) {
    this.#deflate = deflate;
  }

  get isOver(): boolean {
    const { fault, closed, unclear } = this.#reading;
    return fault !== null || closed || unclear !== null;
  }

  read(frame: Frame): void {
    const payload = octetsOf(frame.payload);
    const fault = this.#judgeHeader(frame, payload.length);
    if (fault !== null) this.#reading.fault = fault;
    else if (frame.opcode === Opcode.Close) this.#close(payload);
    else if (frame.opcode === Opcode.Ping) this.#reading.pings.push(payload);
    else if (frame.opcode !== Opcode.Pong) this.#data(frame, payload);
  }

  end(): Reading {
    const open = this.#open;
    if (this.isOver || open === null) return this.#reading;
    // RFC 6455 8.1 lets a testee judge text before its message is whole.
    if (open.compressed) this.#reading.unclear = 'a compressed message without its end';
    else if (open.opcode === Opcode.Text && !canBecomeText(Buffer.concat(open.parts)))
      this.#reading.unclear = 'text that is wrong, without its end';
    return this.#reading;
  }

  #judgeHeader({ opcode, fin, rsv, odd }: Frame, length: number): string | null {
    if (odd.mask === 'wrong role') return 'RFC 6455 5.1: a client masks its frames, and a server does not';
    if ((rsv & 3) !== 0) return 'RFC 6455 5.2: RSV2 and RSV3 are 0 unless an extension gives them a meaning';
    if (opcode > Opcode.Pong || (opcode > Opcode.Binary && opcode < Opcode.Close))
      return 'RFC 6455 5.2: an unknown opcode fails the connection';
    const mayCompress = this.#deflate !== null && (opcode === Opcode.Text || opcode === Opcode.Binary);
    if (rsv !== 0 && !mayCompress)
      return 'RFC 6455 5.2 and RFC 7692 6: RSV1 stands only on the first frame of a compressed message';
    if (isControl(opcode)) {
      if (!fin) return 'RFC 6455 5.5: control frames are not fragmented';
      return length > 125 ? 'RFC 6455 5.5: control frames have at most 125 bytes' : null;
    }
    if (opcode === Opcode.Continuation) {
      return this.#open === null ? 'RFC 6455 5.4: there is no message to continue' : null;
    }
    return this.#open === null ? null : 'RFC 6455 5.4: the fragments of messages are not interleaved';
  }

  #close(payload: Buffer): void {
    if (payload.length === 1) this.#reading.fault = 'RFC 6455 5.5.1: a close frame begins with a code of 2 bytes';
    else if (payload.length > 1 && !isCloseCode(payload.readUInt16BE(0)))
      this.#reading.fault = 'RFC 6455 7.4: this code is not sent';
    else if (!isUtf8(payload.subarray(2))) this.#reading.fault = 'RFC 6455 5.5.1: the reason is UTF-8';
    else this.#reading.closed = true;
  }

  #data({ opcode, fin, rsv }: Frame, payload: Buffer): void {
    this.#open ??= { opcode, compressed: rsv === 4, parts: [] };
    this.#open.parts.push(payload);
    if (!fin) return;
    const { opcode: kind, compressed, parts } = this.#open;
    this.#open = null;
    let whole: Buffer = Buffer.concat(parts);
    if (compressed && whole.length === 0) this.#reading.unclear = 'a compressed message without any data';
    else if (compressed) {
      const inflated = inflateWhole(whole, this.#deflate!.takeover ? this.#window : Buffer.alloc(0));
      if (typeof inflated === 'string') {
        if (inflated === 'unclear') this.#reading.unclear = 'compressed data without an end of its own';
        else this.#reading.fault = `RFC 7692 7.2.2: this does not decompress (${inflated})`;
        return;
      }
      this.#window = remember(this.#window, inflated);
      whole = inflated;
    }
    if (this.#reading.unclear !== null) return;
    if (kind === Opcode.Text && !isUtf8(whole)) this.#reading.fault = 'RFC 6455 8.1: text is UTF-8';
    else this.#reading.echoes.push({ payload: whole, binary: kind === Opcode.Binary });
  }
}

/** Whether these bytes are the beginning of a valid UTF-8 text. */
function canBecomeText(payload: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(payload, { stream: true });
    return true;
  } catch {
    return false;
  }
}
