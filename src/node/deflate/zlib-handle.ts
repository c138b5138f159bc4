// `ZlibHandle` runs a raw DEFLATE state of node:zlib by synchronous calls, bytes in and bytes out into a caller's buffer.
// It uses the native handle inside Node's zlib streams, which is not public: self-test.ts checks it before.
import type { DeflateRaw, InflateRaw } from 'node:zlib';

/** The inside of a zlib stream, as it is in Node 20, 22, 24 and 26. */
interface NativeHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputRoom: number,
  ): void;
  reset(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

interface StreamInside {
  readonly _handle: NativeHandle;
  readonly _writeState: Uint32Array;
}

/** An error as zlib reports it: `code` is the name of the zlib constant, `errno` its number. */
export interface ZlibError extends Error {
  code: string;
  errno: number;
}

// The handle reports an error by calling back before writeSync returns, so one variable serves all handles.
let reported: ZlibError | undefined;

function onError(message: string, errno: number, code: string): void {
  reported = Object.assign(new Error(message), { errno, code });
}

/** One DEFLATE state, for compression or decompression, that remembers its window from one write to the next. */
export class ZlibHandle {
  /** Octets of the last write's input that were not read. */
  inputLeft = 0;
  /** Octets of the last write's room that were not filled. */
  outputLeft = 0;

  readonly #stream: DeflateRaw | InflateRaw;
  readonly #native: NativeHandle;
  readonly #left: Uint32Array;

  constructor(stream: DeflateRaw | InflateRaw) {
    const inside = stream as unknown as StreamInside;
    this.#stream = stream;
    this.#native = inside._handle;
    this.#left = inside._writeState;
    this.#native.onerror = onError;
  }

  /**
   * Reads `input` from `inputAt` to `inputEnd` and fills `output` from `outputAt`, at most `room` octets.
   * @param flush one of zlib's flush constants
   * @returns the error that zlib reports; then the handle is of no more use but to be closed
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
    if (reported !== undefined) {
      const error = reported;
      reported = undefined;
      return error;
    }
    this.outputLeft = this.#left[0]!;
    this.inputLeft = this.#left[1]!;
    return undefined;
  }

  /** Forgets everything read and written: the handle is as good as new, and no octet from before can be referred to. */
  reset(): void {
    this.#native.reset();
  }

  /** Gives the memory back. */
  close(): void {
    this.#stream.close();
  }
}
