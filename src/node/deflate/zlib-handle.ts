// `ZlibHandle` is one raw DEFLATE state of zlib, which works in this thread or in a thread of the pool, chosen for each write.
// It uses the native class behind Node's zlib streams, which is not public: self-test.ts checks it first.
import { constants, createInflateRaw, type ZlibOptions } from 'node:zlib';

/** A write's parameters: flush, then input and output, each with its start and its number of bytes. */
type Write = [number, Uint8Array, number, number, Uint8Array, number, number];

/** The class inside a zlib stream, as in Node 20, 22, 24 and 26. */
export interface NativeHandle {
  init(
    windowBits: number,
    level: number,
    memLevel: number,
    strategy: number,
    left: Uint32Array,
    written: () => void,
    dictionary: Uint8Array | undefined,
  ): void;
  writeSync(...parameters: Write): void;
  write(...parameters: Write): void;
  reset(): void;
  close(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

type NativeClass = new (mode: number) => NativeHandle;

/** An error as zlib reports it: `code` is the name of the zlib constant, `errno` its number. */
export interface ZlibError extends Error {
  code: string;
  errno: number;
}

/** The settings of a handle. */
export interface HandleOptions extends Omit<ZlibOptions, 'dictionary'> {
  /** The initial bytes of its window. */
  readonly dictionary?: Uint8Array | undefined;
}

/** A write that a thread of the pool works on, and the memory that it reads and fills. */
interface Pending {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly written: (error: ZlibError | undefined) => void;
}

/** Kept after the first handle: a stream is created only to get the class. */
let Native: NativeClass | undefined;

function nativeClass(): NativeClass {
  const stream = createInflateRaw();
  const { _handle } = stream as unknown as { _handle: { constructor: NativeClass } };
  stream.close();
  return _handle.constructor;
}

/** One DEFLATE state, for compression or decompression, that keeps its window between writes. */
export class ZlibHandle {
  /** Bytes of the last write's input that were not read. */
  inputLeft = 0;
  /** Bytes of the last write's room that were not filled. */
  outputLeft = 0;

  readonly #native: NativeHandle;
  // zlib writes to this while the native handle lives, which refers to it through `onerror`.
  readonly #left = new Uint32Array(2);
  #error: ZlibError | undefined;
  #pending: Pending | undefined;
  /** Called when the handle is closed and no write is under way. */
  #closed: (() => void) | undefined;

  constructor(kind: 'inflate' | 'deflate', options: HandleOptions) {
    const { windowBits = constants.Z_DEFAULT_WINDOWBITS, level = constants.Z_DEFAULT_COMPRESSION } = options;
    const { memLevel = constants.Z_DEFAULT_MEMLEVEL, strategy = constants.Z_DEFAULT_STRATEGY, dictionary } = options;
    const isDeflate = kind === 'deflate';
    Native ??= nativeClass();
    this.#native = new Native(isDeflate ? constants.DEFLATERAW : constants.INFLATERAW);
    this.#native.onerror = (message, errno, code) => {
      this.#error = Object.assign(new Error(message), { errno, code });
      if (this.#pending !== undefined) this.#written();
    };
    // As in Node: zlib compresses with windows of 9 bits and more, and one of 9 refers back no further than one of 8 holds.
    const bits = isDeflate ? Math.max(windowBits, 9) : windowBits;
    this.#native.init(bits, level, memLevel, strategy, this.#left, () => this.#written(), dictionary);
  }

  /**
   * Reads `input` from `inputAt` to `inputEnd` and fills `output` from `outputAt`, at most `room` bytes.
   * @param flush one of zlib's flush constants
   * @returns the error that zlib reports; after that the handle can only be closed
   */
  write(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputEnd: number,
    output: Uint8Array,
    outputAt: number,
    room: number,
  ): ZlibError | undefined {
    this.#native.writeSync(flush, input, inputAt, inputEnd - inputAt, output, outputAt, room);
    return this.#takeError();
  }

  /**
   * Does the same with the first `inputEnd` bytes of `input`, in a thread of the pool. Until `written` is called, which never
   * happens during this call nor after `close`, only `close` may be called, and nothing else may write to `input` or
   * `output`, or transfer their memory.
   */
  writeLater(
    flush: number,
    input: Uint8Array,
    inputEnd: number,
    output: Uint8Array,
    outputAt: number,
    room: number,
    written: (error: ZlibError | undefined) => void,
  ): void {
    this.#pending = { input, output, written };
    this.#native.write(flush, input, 0, inputEnd, output, outputAt, room);
  }

  /** Resets the state: the handle is as good as new, and no earlier byte can be referred to. */
  reset(): void {
    this.#native.reset();
  }

  /**
   * Releases the memory.
   * @param closed called when zlib has stopped reading and writing, which may be later where a thread of the pool is at work
   */
  close(closed?: () => void): void {
    this.#native.close();
    if (this.#pending === undefined) closed?.();
    else this.#closed = closed ?? (() => {});
  }

  #written(): void {
    const { written } = this.#pending!;
    this.#pending = undefined;
    if (this.#closed === undefined) written(this.#takeError());
    else this.#closed();
  }

  #takeError(): ZlibError | undefined {
    const error = this.#error;
    this.#error = undefined;
    this.outputLeft = this.#left[0]!;
    this.inputLeft = this.#left[1]!;
    return error;
  }
}
