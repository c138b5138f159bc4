// `Messages` assembles the messages of one side from its frames, and inflates them (RFC 6455 5.4, RFC 7692).
import { constants, inflateRawSync } from 'node:zlib';
import { Opcode, Violation, isUtf8 } from '../../sans-io.js';
import { faultOf, RSV1_BIT } from './frame-judge.js';
import { isControl, joined, takeJoined, type Fault, type Message } from './frame.js';

/** The longest message, in bytes before and after inflating, whose content is kept. */
export const KEPT: number = 16 * 1024 * 1024;
/** The longest window of DEFLATE, in bytes. */
const WINDOW = 32 * 1024;
/** RFC 7692 7.2.2: the bytes that the sender removes from the end of each message. */
const TAIL = new Uint8Array([0, 0, 0xff, 0xff]);

/** The agreed parameters of compression that one side's messages need. */
export interface Compression {
  /** Whether each message begins with an empty window. */
  readonly forgets: boolean;
}

/** The message that a frame ends, and the rule that the message breaks. */
export interface Ended {
  readonly message: Message;
  readonly fault: Fault | undefined;
}

/** The parts of a frame that `Messages` needs. */
interface Part {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv: number;
  readonly length: number;
  readonly payload: Uint8Array;
}

export class Messages {
  private readonly parts: Uint8Array[] = [];
  private frames = 0;
  private length = 0;
  private isBinary = false;
  private isCompressed = false;
  /** The last inflated bytes, to which the next message may refer; undefined once they are lost. */
  private window: Uint8Array | undefined = new Uint8Array(0);

  constructor(private readonly compression: Compression | undefined) {}

  /** Takes a frame, and returns the message that it ends. */
  push({ opcode, fin, rsv, length, payload }: Part): Ended | undefined {
    if (isControl(opcode)) return undefined;
    if (opcode !== Opcode.Continuation || this.frames === 0) {
      this.forget();
      this.isBinary = opcode !== Opcode.Text;
      this.isCompressed = this.compression !== undefined && (rsv & RSV1_BIT) !== 0;
    }
    this.frames++;
    this.length += length;
    if (this.length <= KEPT && payload.length > 0) this.parts.push(payload);
    if (!fin) return undefined;
    const ended = this.end();
    this.forget();
    return ended;
  }

  private forget(): void {
    if (this.parts.length > 0) this.parts.length = 0;
    this.frames = this.length = 0;
  }

  private end(): Ended {
    const { frames, length, isBinary, isCompressed } = this;
    const wireLength = length;
    if (length > KEPT) {
      if (isCompressed) this.lose();
      return { message: { isBinary, frames, wireLength, isCompressed, data: undefined }, fault: undefined };
    }
    const bytes = takeJoined(this.parts);
    const data = isCompressed ? this.inflate(bytes) : bytes;
    let fault: Fault | undefined;
    if (data === 'broken') fault = faultOf(Violation.InvalidDeflate);
    // RFC 6455 8.1: text is UTF-8.
    else if (data !== undefined && !isBinary && !isUtf8(data)) fault = faultOf(Violation.InvalidUtf8);
    const content = data === 'broken' ? undefined : data;
    return { message: { isBinary, frames, wireLength, isCompressed, data: content }, fault };
  }

  /** Drops the window that later messages may refer to, so that they are not inflated. */
  private lose(): void {
    if (this.compression?.forgets === false) this.window = undefined;
  }

  /** Inflates a message; returns undefined if its window is lost, or its content is too long to keep. */
  private inflate(bytes: Uint8Array): Uint8Array | 'broken' | undefined {
    const { window } = this;
    if (window === undefined) return undefined;
    try {
      // With the window as its dictionary, each message is inflated in one call, without a stream.
      const data = inflateRawSync(joined([bytes, TAIL]), {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: KEPT,
        ...(window.length === 0 ? {} : { dictionary: window }),
      });
      if (this.compression?.forgets === false) this.window = lastOf(window, data);
      return data;
    } catch (error) {
      this.lose();
      return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE' ? undefined : 'broken';
    }
  }
}

/** Returns a copy of the last `WINDOW` bytes of a window and the data after it. */
function lastOf(window: Uint8Array, data: Uint8Array): Uint8Array {
  if (data.length >= WINDOW) return new Uint8Array(data.subarray(data.length - WINDOW));
  return joined([window.subarray(Math.max(0, window.length + data.length - WINDOW)), data]);
}
