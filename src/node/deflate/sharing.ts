// `Sharing` is a class of agreements whose connections can all be sent the same compressed form of a message.
import { LATER } from '../../extensions/transform.js';
import { Role } from '../../spec/frame.js';
import { DEFAULT_THRESHOLD } from '../../spec/limits.js';
import { Budget } from './budget.js';
import { createDeflater, type PerMessageDeflateOptions } from './engines.js';
import type { Result } from './result.js';

/** A budget without limit: a message to many is not delayed by those to one. */
const UNLIMITED = new Budget(() => 0);
const WIDEST = 15;

/** The connections of a server's options that agreed on the same window of the server. */
export class Sharing {
  /** Shorter messages, in bytes, are sent uncompressed: no earlier message helps to compress them. */
  readonly threshold: number;

  private constructor(
    private readonly windowBits: number,
    private readonly options: PerMessageDeflateOptions,
    private readonly widest: Sharing | undefined,
  ) {
    this.threshold = options.threshold ?? DEFAULT_THRESHOLD;
  }

  private static readonly known = new WeakMap<PerMessageDeflateOptions, (Sharing | undefined)[]>();

  /**
   * The class of a connection; undefined where zlib starts with a dictionary, which a peer has only before the first message.
   * @param windowBits the agreed window of the server as a power of two, 8 to 15
   */
  static of(windowBits: number, options: PerMessageDeflateOptions): Sharing | undefined {
    if (options.zlibDeflateOptions?.dictionary !== undefined) return undefined;
    let classes = Sharing.known.get(options);
    if (classes === undefined) Sharing.known.set(options, (classes = []));
    const widest = (classes[WIDEST] ??= new Sharing(WIDEST, options, undefined));
    return (classes[windowBits] ??= new Sharing(windowBits, options, widest));
  }

  /** The class whose form of a message of `length` bytes is valid here too: a message cannot refer back beyond its own length. */
  classFor(length: number): Sharing {
    return length <= 2 ** this.windowBits ? (this.widest ?? this) : this;
  }

  /**
   * Compresses a message by itself (RFC 7692 7.2.1), without a window before it.
   * @returns undefined where zlib has failed; a promise where the thread pool compresses a long one
   */
  compress(payload: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    let deliver!: (result: Result) => void;
    const later = new Promise<Uint8Array | undefined>((resolve) => {
      deliver = (result) => resolve(bytesIn(result));
    });
    const agreed = {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: this.windowBits,
      clientMaxWindowBits: WIDEST,
    };
    const result = createDeflater(agreed, Role.Server, this.options, deliver, UNLIMITED).deflate(payload, true);
    return result === LATER ? later : bytesIn(result);
  }
}

function bytesIn(result: Result): Uint8Array | undefined {
  return ArrayBuffer.isView(result) ? result : undefined;
}
