// `FrameCutter` cuts the bytes of one side at the borders of frames, and changes none.
import { FrameDecoder, RequestReader, ResponseReader, Role, Violation } from '../../sans-io.js';
import { joined, type Side } from '../traffic/frame.js';

/** A part of the stream, of one frame at most. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** The opcode, where a frame begins with the part; undefined where it goes on, and for bytes that belong to none. */
  readonly opcode: number | undefined;
  /** Whether the part belongs to a frame, and whether the frame ends with it. */
  readonly isFrame: boolean;
  readonly isEnd: boolean;
}

const SWITCHING_PROTOCOLS = 101;

export class FrameCutter {
  private readonly decoder = new FrameDecoder({ role: Role.Client, judge: false });
  private readonly reader: RequestReader | ResponseReader;
  state: 'head' | 'frames' | 'blind' = 'head';
  /** Bytes of a header that is not whole, which are not told yet. */
  private held: Uint8Array = new Uint8Array(0);
  /** How many bytes the decoder has got, and where in these the frame ends that was told last. */
  private position = 0;
  private border = 0;

  constructor(from: Side) {
    this.reader = from === 'client' ? new RequestReader() : new ResponseReader();
  }

  /** The parts that a chunk completes, in order. They are views of the chunk. */
  push(chunk: Uint8Array): Piece[] {
    if (this.state === 'frames') return this.cut(chunk);
    if (this.state === 'blind') return [plain(chunk)];
    const { head, rest, error } = this.reader.push(chunk);
    if (error !== undefined) this.state = 'blind';
    if (head === undefined || rest === undefined) return [plain(chunk)];
    const isOpen = !('statusCode' in head) || head.statusCode === SWITCHING_PROTOCOLS;
    this.state = isOpen ? 'frames' : 'blind';
    if (!isOpen || rest.length === 0) return [plain(chunk)];
    return [plain(chunk.subarray(0, chunk.length - rest.length)), ...this.cut(rest)];
  }

  /** The bytes that are held back, when no more come. */
  end(): Piece[] {
    const { held } = this;
    this.held = new Uint8Array(0);
    return held.length === 0 ? [] : [plain(held)];
  }

  private cut(chunk: Uint8Array): Piece[] {
    const { decoder } = this;
    const base = this.position - this.held.length;
    const bytes = this.held.length === 0 ? chunk : joined([this.held, chunk]);
    this.held = new Uint8Array(0);
    this.position += chunk.length;
    const pieces: Piece[] = [];
    /** Tells the bytes from `start` to `end` of the stream, as far as they are here. */
    const tell = (start: number, end: number, opcode: number | undefined): void => {
      const from = Math.max(0, start - base);
      const to = Math.min(bytes.length, end - base);
      if (to <= from) return;
      pieces.push({ bytes: bytes.subarray(from, to), opcode, isFrame: true, isEnd: to === end - base });
    };
    tell(base, this.border, undefined);
    decoder.push(chunk);
    while (decoder.next()) {
      if (decoder.violation !== Violation.None) {
        this.state = 'blind';
        pieces.push(plain(bytes.subarray(Math.max(0, this.border - base))));
        return pieces;
      }
      if (!decoder.start) continue;
      const { offset, headerLength, length } = decoder.header!;
      this.border = offset + headerLength + length;
      tell(offset, this.border, decoder.opcode);
    }
    this.held = bytes.subarray(Math.min(bytes.length, Math.max(0, this.border - base)));
    return pieces;
  }
}

function plain(bytes: Uint8Array): Piece {
  return { bytes, opcode: undefined, isFrame: false, isEnd: false };
}
