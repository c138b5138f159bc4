// `Sender` of `ws`: messages and control frames -> frames written to any Duplex, in the order they were sent.
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { assertControlLength } from '../../codec/control-length.js';
import { encodeClosePayload } from '../../codec/close-payload.js';
import { writeHeader, writeKey } from '../../codec/header.js';
import { mask as maskBytes } from '../../codec/mask.js';
import { maskingKeys } from '../../codec/masking-key.js';
import { Queue } from '../../queue.js';
import { FIN, MASK, MAX_HEADER, Opcode, RSV1 } from '../../spec/frame.js';
import { behind, tie } from '../behind.js';
import { isBlob, sizeOf, toBytes, toReason, type Sendable } from '../data.js';
import { nodeValues } from '../values.js';

export type SenderCallback = (error?: Error | null) => void;
/** The payload made of the argument of send. */
type Payload = string | Uint8Array | Blob;

export interface SenderFrameOptions {
  readonly fin: boolean;
  readonly opcode: number;
  readonly rsv1: boolean;
  readonly mask: boolean;
  /** Whether the data stays unchanged; else it is masked in place. */
  readonly readOnly: boolean;
  /** Four bytes to receive the masking key. */
  readonly maskBuffer?: Buffer | undefined;
  /** Writes a masking key into the given buffer; without it, keys are random. */
  readonly generateMask?: ((mask: Buffer) => void) | undefined;
}

export interface SenderSendOptions {
  readonly binary: boolean;
  readonly compress: boolean;
  readonly fin: boolean;
  readonly mask: boolean;
}

/** The part of a PerMessageDeflate, of `ws` or ours, that a Sender uses. */
export interface SenderDeflate {
  readonly params: { server_no_context_takeover?: boolean; client_no_context_takeover?: boolean } | null;
  readonly _isServer: boolean;
  readonly _threshold: number;
  compress(data: Uint8Array, fin: boolean, callback: (error: Error | null, data?: Buffer) => void): void;
}

/** One frame to be written, or a Blob still to be read. */
interface Outgoing {
  readonly data: Payload;
  readonly opcode: Opcode;
  readonly fin: boolean;
  readonly mask: boolean;
  /** Whether it belongs to a compressed message, of which it is the first frame where `rsv1` is set (RFC 7692 6.1). */
  readonly compress: boolean;
  readonly rsv1: boolean;
  readonly callback: SenderCallback | undefined;
}

const EMPTY = Buffer.alloc(0);
const randomKey = maskingKeys(nodeValues);

/** Writes frames to a socket; frames that come while data is compressed or a Blob is read wait for that. */
export class Sender {
  readonly #socket: Duplex;
  readonly #deflate: SenderDeflate | undefined;
  readonly #generateMask: ((mask: Buffer) => void) | undefined;
  /** @internal */
  readonly _queue: Queue<Outgoing> = tie(new Queue<Outgoing>(), this);
  #isBusy = false;
  /** Whether the message left open by `fin: false` is compressed; undefined while none is open. */
  #openCompressed: boolean | undefined;

  /** @param extensions the agreed PerMessageDeflate, under its name */
  constructor(socket: Duplex, extensions: Record<string, unknown> = {}, generateMask?: (mask: Buffer) => void) {
    this.#socket = socket;
    this.#deflate = extensions['permessage-deflate'] as SenderDeflate | undefined;
    this.#generateMask = generateMask;
  }

  /**
   * Makes a frame of `data`.
   * @returns the header and the data itself; or one buffer with both, where the data is empty, or masked but read-only
   */
  static frame(data: Uint8Array | string, options: SenderFrameOptions): Buffer[] {
    const payload = typeof data === 'string' ? Buffer.from(data) : data;
    const first = (options.fin ? FIN : 0) | (options.rsv1 ? RSV1 : 0) | options.opcode;
    const { length } = payload;
    const key = options.mask ? drawKey(options) : 0;
    // RFC 6455 5.3: the zero key changes nothing.
    const copies = options.readOnly && key !== 0;
    const target = Buffer.allocUnsafe(MAX_HEADER + (copies ? length : 0));
    const head = writeHeader(target, 0, first, length, options.mask ? MASK : 0);
    const at = options.mask ? writeKey(target, head, key) : head;
    if (length === 0) return [target.subarray(0, at)];
    if (copies) {
      target.set(payload, at);
      maskBytes(target, key, at, at + length);
      return [target.subarray(0, at + length)];
    }
    if (key !== 0) maskBytes(payload, key);
    return [target.subarray(0, at), payload as Buffer];
  }

  /**
   * Sends a Close frame (RFC 6455 5.5.1), its payload empty when `code` is undefined.
   * @throws TypeError for a code that may not be sent; RangeError for a reason longer than 123 bytes
   */
  close(
    code: number | undefined,
    reason: string | Uint8Array | undefined,
    mask: boolean,
    callback?: SenderCallback,
  ): void {
    const data =
      code === undefined ? EMPTY : encodeClosePayload(code, Buffer.from(toReason(code, reason) as Uint8Array));
    senderBehind(this).#sendControl(Opcode.Close, data, mask, callback);
  }

  /** Sends a ping (RFC 6455 5.5.2). Throws RangeError when the data is longer than 125 bytes. */
  ping(data: Sendable, mask: boolean, callback?: SenderCallback): void {
    senderBehind(this).#sendControl(Opcode.Ping, data, mask, callback);
  }

  /** Sends a pong (RFC 6455 5.5.3). Throws RangeError when the data is longer than 125 bytes. */
  pong(data: Sendable, mask: boolean, callback?: SenderCallback): void {
    senderBehind(this).#sendControl(Opcode.Pong, data, mask, callback);
  }

  /** Sends a message, or with `fin: false` a fragment of one (RFC 6455 5.4). */
  send(data: Sendable, { binary, compress, fin, mask }: SenderSendOptions, callback?: SenderCallback): void {
    const payload = isBlob(data) || typeof data === 'string' ? data : toBytes(data);
    const sender = senderBehind(this);
    const isFirst = sender.#openCompressed === undefined;
    const compressed = sender.#openCompressed ?? (compress && sender.#isWorthCompressing(payload));
    sender.#openCompressed = fin ? undefined : compressed;
    sender.#send({
      data: payload,
      opcode: !isFirst ? Opcode.Continuation : binary ? Opcode.Binary : Opcode.Text,
      fin,
      mask,
      compress: compressed,
      rsv1: compressed && isFirst,
      callback,
    });
  }

  /** Writes a frame made by `Sender.frame`. */
  sendFrame(list: readonly Uint8Array[], callback?: SenderCallback): void {
    const socket = senderBehind(this).#socket;
    const last = list.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(list[i]);
    socket.write(list[last], callback);
    if (last > 0) socket.uncork();
  }

  #sendControl(opcode: Opcode, data: Sendable, mask: boolean, callback: SenderCallback | undefined): void {
    const payload = isBlob(data) || typeof data === 'string' ? data : toBytes(data);
    assertControlLength(lengthOf(payload));
    this.#send({ data: payload, opcode, fin: true, mask, compress: false, rsv1: false, callback });
  }

  /** The threshold counts only where each message is compressed by itself. */
  #isWorthCompressing(payload: Payload): boolean {
    const deflate = this.#deflate;
    if (deflate === undefined) return false;
    const { params } = deflate;
    const forgets = deflate._isServer ? params?.server_no_context_takeover : params?.client_no_context_takeover;
    return forgets !== true || lengthOf(payload) >= deflate._threshold;
  }

  #send(outgoing: Outgoing): void {
    if (this.#isBusy) this._queue.push(outgoing);
    else this.#start(outgoing);
  }

  #start(outgoing: Outgoing): void {
    const { data } = outgoing;
    if (isBlob(data)) this.#read(data, outgoing);
    else if (outgoing.compress) this.#compress(typeof data === 'string' ? Buffer.from(data) : data, outgoing);
    else this.#write(data, outgoing, typeof data !== 'string');
  }

  #read(blob: Blob, outgoing: Outgoing): void {
    this.#isBusy = true;
    blob.arrayBuffer().then(
      (memory) => {
        if (this.#failIfClosed(outgoing, 'The socket was closed while the blob was being read')) return;
        this.#isBusy = false;
        this.#start({ ...outgoing, data: Buffer.from(memory) });
        this.#proceed();
      },
      (error: Error) => {
        process.nextTick(() => this.#fail(outgoing, error));
      },
    );
  }

  #compress(data: Uint8Array, outgoing: Outgoing): void {
    this.#isBusy = true;
    this.#deflate!.compress(data, outgoing.fin, (error, result) => {
      if (this.#failIfClosed(outgoing, 'The socket was closed while data was being compressed')) return;
      if (result === undefined) {
        this.#fail(outgoing, error!);
        return;
      }
      this.#isBusy = false;
      this.#write(result, outgoing, false);
      this.#proceed();
    });
  }

  #write(data: string | Uint8Array, outgoing: Outgoing, readOnly: boolean): void {
    const { opcode, fin, rsv1, mask, callback } = outgoing;
    const generateMask = this.#generateMask;
    this.sendFrame(Sender.frame(data, { opcode, fin, rsv1, mask, readOnly, generateMask }), callback);
  }

  #proceed(): void {
    while (this._queue.length > 0 && !this.#isBusy) this.#start(this._queue.shift()!);
  }

  #failIfClosed(outgoing: Outgoing, text: string): boolean {
    if (this.#socket.destroyed) this.#fail(outgoing, new Error(text));
    return this.#socket.destroyed;
  }

  /** Calls back this frame and all that wait behind it with an error. Nothing is sent any more. */
  #fail(outgoing: Outgoing, error: Error): void {
    for (const { callback } of [outgoing, ...this._queue.takeAll()]) callback?.(error);
  }
}

/** The sender itself, where a method is called on a Proxy before it or on an object that inherits from it. */
export function senderBehind<Kind extends Sender>(face: Kind): Kind {
  return behind(face, '_queue') ?? face;
}

function drawKey({ maskBuffer, generateMask }: SenderFrameOptions): number {
  if (generateMask === undefined) {
    const key = randomKey();
    maskBuffer?.writeInt32LE(key);
    return key;
  }
  const into = maskBuffer ?? Buffer.alloc(4);
  generateMask(into);
  return into.readInt32LE();
}

function lengthOf(payload: Payload): number {
  return isBlob(payload) ? payload.size : sizeOf(payload);
}
