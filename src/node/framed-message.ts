// `FramedMessage` is a message to many connections with its frames: one plain, and one for each class of agreements.
import { frameAt, headerLength, writeHeader } from '../codec/header.js';
import { FIN, Opcode, RSV1 } from '../spec/frame.js';
import { toPayload, type Sendable } from './data.js';
import type { Sharing } from './deflate/sharing.js';
import { nodeValues } from './values.js';

/** A frame, or the promise of a frame that the thread pool compresses. */
export type Form = Uint8Array | Promise<Uint8Array>;

export class FramedMessage {
  readonly payload: Uint8Array | string;
  private bytes: Uint8Array | undefined;
  private plain: Uint8Array | undefined;
  private forms: Map<Sharing, Form> | undefined;

  /**
   * @param compress whether connections that agreed on it get the message compressed
   * @param isSteady whether nothing changes `data` as long as the message lives, so that it is framed when a frame is needed
   */
  constructor(
    readonly data: Exclude<Sendable, Blob>,
    readonly isBinary: boolean,
    readonly compress: boolean,
    isSteady = false,
  ) {
    this.payload = toPayload(data);
    if (!isSteady) this.plain = this.encode();
  }

  /** The frame without compression (RFC 6455 5.2). */
  get frame(): Uint8Array {
    return (this.plain ??= this.encode());
  }

  /** The message as bytes, which are never written to. */
  get content(): Uint8Array {
    const { frame } = this;
    return frame.subarray(frameAt(frame, 0).payload);
  }

  /** How long `frame` is. */
  get length(): number {
    if (this.plain !== undefined) return this.plain.length;
    const { length } = this.encoded();
    return headerLength(length) + length;
  }

  /** Writes the frame, and returns where it ends. */
  writeTo(memory: Uint8Array, at: number): number {
    const { plain } = this;
    if (plain !== undefined) {
      memory.set(plain, at);
      return at + plain.length;
    }
    const bytes = this.encoded();
    const start = writeHeader(memory, at, this.first, bytes.length, 0);
    memory.set(bytes, start);
    return start + bytes.length;
  }

  /** The frame for connections of a class: the plain `frame` where compression does not make the message shorter. */
  formFor(sharing: Sharing): Form {
    const { content } = this;
    const forms = (this.forms ??= new Map());
    const whole = sharing.classFor(content.length);
    let form = forms.get(whole);
    if (form !== undefined) return form;
    form = content.length < whole.threshold ? this.frame : this.compressed(whole.compress(content));
    forms.set(whole, form);
    if (form instanceof Promise) void form.then((frame) => forms.set(whole, frame));
    return form;
  }

  private get first(): number {
    return FIN | (this.isBinary ? Opcode.Binary : Opcode.Text);
  }

  private encoded(): Uint8Array {
    const { payload } = this;
    return (this.bytes ??= typeof payload === 'string' ? nodeValues.encode(payload) : payload);
  }

  private encode(): Uint8Array {
    return encode(this.first, this.encoded());
  }

  private compressed(deflated: ReturnType<Sharing['compress']>): Form {
    if (deflated instanceof Promise) return deflated.then((bytes) => this.compressed(bytes));
    if (deflated === undefined || deflated.length >= this.content.length) return this.frame;
    // RFC 7692 6.1: RSV1 marks a compressed message.
    return encode(this.first | RSV1, deflated);
  }
}

/** Makes a server's frame (RFC 6455 5.2) in memory of its own: bytes that wait for one connection share none with another's. */
function encode(first: number, bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const frame = nodeValues.allocate(headerLength(length) + length);
  frame.set(bytes, writeHeader(frame, 0, first, length, 0));
  return frame;
}
