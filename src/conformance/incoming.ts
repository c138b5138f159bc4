// `Incoming` turns bytes of a testee into messages, pings, pongs, closes or a fault, as strictly as RFC 6455 allows.

import { isUtf8 } from 'node:buffer';
import { Decompressor, type DeflateAgreement, directionOf } from './deflate.js';
import type { Recorder } from './recorder.js';
import { type Fault, type FrameHeader, FrameReader, isControl, MAX_PAYLOAD, Opcode } from './wire.js';

/** A received message, control frame or fault. */
export type Received =
  | { kind: 'message'; payload: Buffer; binary: boolean }
  | { kind: 'ping'; payload: Buffer }
  | { kind: 'pong'; payload: Buffer }
  | { kind: 'close'; payload: Buffer }
  | ({ kind: 'fault' } & Fault);

/** The reader of one connection. */
export class Incoming {
  readonly #role: 'client' | 'server';
  readonly #recorder: Recorder;
  readonly #decompressor: Decompressor | null;
  readonly #known: ((payload: Buffer) => Buffer | undefined) | undefined;
  readonly #reader: FrameReader;
  #parts: Buffer[] = [];
  #partsLength = 0;
  #message: { opcode: number; compressed: boolean } | null = null;
  /** Whether a fault has cut off a message, whose continuations are skipped. */
  #skipping = false;

  /** `role` is the examiner's; `known` may return the message of a compressed payload, which is then not decompressed. */
  constructor(
    role: 'client' | 'server',
    deflate: DeflateAgreement | null,
    recorder: Recorder,
    known: ((payload: Buffer) => Buffer | undefined) | undefined,
  ) {
    this.#role = role;
    this.#recorder = recorder;
    this.#known = known;
    const other = role === 'client' ? 'server' : 'client';
    this.#decompressor = deflate === null ? null : new Decompressor(directionOf(deflate, other));
    this.#reader = new FrameReader((header) => this.#judge(header));
  }

  /** Takes in a chunk of the transport. */
  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** The next complete message, control frame or fault; undefined until more bytes arrive. */
  next(): Received | undefined {
    for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
      const { header, payload, fault } = frame;
      this.#recorder.frameReceived(header, payload, header.length + headerSize(header));
      if (fault !== null) {
        this.#abandon(header.fin);
        return { kind: 'fault', ...fault };
      }
      if (header.opcode === Opcode.Close) return { kind: 'close', payload };
      if (header.opcode === Opcode.Ping) return { kind: 'ping', payload };
      if (header.opcode === Opcode.Pong) return { kind: 'pong', payload };
      const received = this.#data(header, payload);
      if (received !== undefined) return received;
    }
    return undefined;
  }

  /** The fault in a header (RFC 6455 5.2, 5.4, 5.5; RFC 7692 6), or null. */
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
      if (length > 125) return wrong(`control frame of ${length} bytes`);
      if (opcode > Opcode.Pong) return wrong(`reserved control opcode ${opcode}`);
      if (opcode === Opcode.Close && length === 1) return wrong('close frame with a payload of one byte');
      return null;
    }
    if (opcode > Opcode.Binary) return wrong(`reserved data opcode ${opcode}`);
    const continues = this.#message !== null || this.#skipping;
    if (opcode === Opcode.Continuation && !continues) return wrong('continuation without a message to continue');
    if (opcode !== Opcode.Continuation && continues) return wrong('new message inside a fragmented one');
    if (this.#partsLength + length > MAX_PAYLOAD)
      return { code: 1009, text: `message of more than ${MAX_PAYLOAD} bytes` };
    return null;
  }

  #data(header: FrameHeader, payload: Buffer): Received | undefined {
    if (this.#skipping) {
      this.#skipping = !header.fin;
      return undefined;
    }
    this.#message ??= { opcode: header.opcode, compressed: header.rsv === 4 };
    this.#parts.push(payload);
    this.#partsLength += payload.length;
    if (!header.fin) return undefined;
    const { opcode, compressed } = this.#message;
    const whole = this.#parts.length === 1 ? payload : Buffer.concat(this.#parts);
    this.#abandon(true);
    const message = compressed ? this.#decompress(whole) : whole;
    if (typeof message === 'string') {
      return { kind: 'fault', code: 1007, text: `message that does not decompress (${message})` };
    }
    this.#recorder.incoming.messages++;
    this.#recorder.incoming.app += message.length;
    const binary = opcode === Opcode.Binary;
    if (!binary && !isUtf8(message)) return { kind: 'fault', code: 1007, text: 'text message that is no UTF-8' };
    return { kind: 'message', payload: message, binary };
  }

  #abandon(finished: boolean): void {
    this.#message = null;
    this.#parts = [];
    this.#partsLength = 0;
    this.#skipping = !finished;
  }

  /** The message, or the reason why it cannot be decompressed. */
  #decompress(payload: Buffer): Buffer | string {
    const known = this.#known?.(payload);
    if (known === undefined) return this.#decompressor!.decompress(payload, MAX_PAYLOAD);
    this.#decompressor!.skip(known);
    return known;
  }
}

function headerSize({ length, mask }: FrameHeader): number {
  return (length <= 125 ? 2 : length <= 0xffff ? 4 : 10) + (mask === null ? 0 : 4);
}
