// `FramedMessage` is a message to many connections with its frames, each made once: plain, and one for each class of agreements.
import { frameAt, headerLength, writeHeader } from '../codec/header.js';
import { FIN, Opcode, RSV1 } from '../spec/frame.js';
import { toPayload, type Sendable } from './data.js';
import type { Sharing } from './deflate/sharing.js';
import { nodeValues } from './values.js';

/** A frame, or the promise of one that the thread pool compresses. */
export type Form = Uint8Array | Promise<Uint8Array>;

export class FramedMessage {
  readonly payload: Uint8Array | string;
  /** The frame without compression (RFC 6455 5.2). */
  readonly frame: Uint8Array;
  /** The message as bytes, which nothing writes to. */
  readonly content: Uint8Array;
  private readonly forms: Map<Sharing, Form> = new Map();

  /** @param compress whether connections that agreed on it get the message compressed */
  constructor(
    readonly data: Exclude<Sendable, Blob>,
    readonly isBinary: boolean,
    readonly compress: boolean,
  ) {
    this.payload = toPayload(data);
    this.frame = encode(this.first, this.payload);
    this.content = this.frame.subarray(frameAt(this.frame, 0).payload);
  }

  /** The frame for connections of a class: `frame` itself where compression makes the message no shorter. */
  formFor(sharing: Sharing): Form {
    const { content, forms } = this;
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

  private compressed(deflated: ReturnType<Sharing['compress']>): Form {
    if (deflated instanceof Promise) return deflated.then((bytes) => this.compressed(bytes));
    if (deflated === undefined || deflated.length >= this.content.length) return this.frame;
    // RFC 7692 6.1: RSV1 marks a compressed message.
    return encode(this.first | RSV1, deflated);
  }
}

/** A server's frame (RFC 6455 5.2) in memory of its own: bytes that wait for one connection share none with another's. */
function encode(first: number, payload: Uint8Array | string): Uint8Array {
  const bytes = typeof payload === 'string' ? nodeValues.encode(payload) : payload;
  const { length } = bytes;
  const frame = nodeValues.allocate(headerLength(length) + length);
  frame.set(bytes, writeHeader(frame, 0, first, length, 0));
  return frame;
}
