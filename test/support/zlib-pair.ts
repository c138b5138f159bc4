// `ZlibPair` compresses and decompresses messages with zlib at once, and keeps its windows from one to the next.
import { constants } from 'node:zlib';
import { ZlibHandle } from '../../src/node/deflate/zlib-handle.js';

const { Z_SYNC_FLUSH } = constants;
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

export interface ZlibSettings {
  readonly level?: number;
  readonly strategy?: number;
  readonly memLevel?: number;
}

/** The sender and the receiver of one direction, as zlib is used for them. */
export class ZlibPair {
  readonly #deflating: ZlibHandle;
  readonly #inflating: ZlibHandle;
  readonly #takeover: boolean;
  #room: Buffer = Buffer.alloc(65_536);

  constructor(windowBits: number, takeover: boolean, settings: ZlibSettings = {}) {
    this.#takeover = takeover;
    this.#deflating = new ZlibHandle('deflate', { windowBits, ...settings });
    this.#inflating = new ZlibHandle('inflate', { windowBits });
  }

  /** A message as it is sent, without its tail. */
  deflate(data: Uint8Array): Buffer {
    if (data.length === 0) return Buffer.from([0]);
    const output = this.#run(this.#deflating, data)!;
    if (!this.#takeover) this.#deflating.reset();
    return output.subarray(0, -4);
  }

  /** A message as it was; throws for one that is wrong. */
  inflate(payload: Uint8Array): Buffer {
    const output = this.tryInflate(payload);
    if (output === undefined) throw new Error('zlib refuses the message');
    return output;
  }

  /** A message as it was, or undefined for one that is wrong. */
  tryInflate(payload: Uint8Array): Buffer | undefined {
    const output = this.#run(this.#inflating, Buffer.concat([payload, TAIL]));
    if (!this.#takeover || this.#inflating.inputLeft > 0) this.#inflating.reset();
    return output;
  }

  close(): void {
    this.#deflating.close();
    this.#inflating.close();
  }

  #run(handle: ZlibHandle, input: Uint8Array): Buffer | undefined {
    const parts: Buffer[] = [];
    let read = 0;
    do {
      const error = handle.write(Z_SYNC_FLUSH, input, read, input.length, this.#room, 0, this.#room.length);
      if (error !== undefined) return undefined;
      read = input.length - handle.inputLeft;
      parts.push(Buffer.from(this.#room.subarray(0, this.#room.length - handle.outputLeft)));
    } while (handle.outputLeft === 0);
    return Buffer.concat(parts);
  }
}
