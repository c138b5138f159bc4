// `FrameCutter` splits the bytes of one side at the frame boundaries, and changes none of them.
import { FrameDecoder, RequestReader, ResponseReader, Role, Violation } from '../../sans-io.js';
import { joined, type Side } from '../traffic/frame.js';
import { MOST_EARLY } from '../traffic/tap.js';

/** A part of the stream, with bytes of at most one frame. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** The opcode if a frame begins with the part; undefined if the frame began earlier, or the bytes belong to none. */
  readonly opcode: number | undefined;
  /** Whether the part belongs to a frame, and whether the frame ends with it. */
  readonly isFrame: boolean;
  readonly isEnd: boolean;
}

const SWITCHING_PROTOCOLS = 101;

export class FrameCutter {
  private readonly decoder = new FrameDecoder({ role: Role.Client, judge: false });
  private reader: RequestReader | ResponseReader;
  private state: 'head' | 'asked' | 'frames' | 'blind' = 'head';
  /** Whether the server has agreed to the WebSocket; undefined before its answer. */
  hasAgreed: boolean | undefined;
  /** The bytes of an incomplete header, which `push` has not returned yet. */
  private held: Uint8Array = new Uint8Array(0);
  /** The bytes after a request, which wait for the answer. */
  private early: Uint8Array[] = [];
  private earlyLength = 0;
  /** The number of bytes that the decoder has received, and the position at which the last known frame ends. */
  private position = 0;
  private border = 0;

  constructor(from: Side) {
    this.reader = from === 'client' ? new RequestReader() : new ResponseReader();
  }

  /** Returns the parts of a chunk, in order: views of the chunk, or of a copy that begins with the held bytes. */
  push(chunk: Uint8Array): Piece[] {
    if (this.state === 'frames') return this.cut(chunk);
    if (this.state === 'blind') return [plain(chunk)];
    if (this.state === 'asked') {
      this.early.push(chunk);
      this.earlyLength += chunk.length;
      return this.earlyLength > MOST_EARLY ? this.answered(false) : [];
    }
    const { head, rest, error } = this.reader.push(chunk);
    if (error !== undefined) this.answer(false);
    if (head === undefined || rest === undefined) return [plain(chunk)];
    if (!('statusCode' in head)) {
      const { upgrade, 'content-length': length = '0', 'transfer-encoding': coding } = head.headers;
      // Other requests, such as those of a page of the same server, have no frames after them.
      this.state = /websocket/i.test(String(upgrade)) && length === '0' && coding === undefined ? 'asked' : 'blind';
    } else if (head.statusCode >= 200 || head.statusCode === SWITCHING_PROTOCOLS) {
      this.answer(head.statusCode === SWITCHING_PROTOCOLS);
    } else this.reader = new ResponseReader();
    if (rest.length === 0) return [plain(chunk)];
    return [plain(chunk.subarray(0, chunk.length - rest.length)), ...this.push(rest)];
  }

  /** Whether a request for a WebSocket has no answer yet, and whether bytes after it wait. */
  get isAsked(): boolean {
    return this.state === 'asked';
  }

  get isHolding(): boolean {
    return this.isAsked && this.earlyLength > 0;
  }

  /** Takes the server's answer to a request: without its agreement, further requests may follow, but no frames. */
  answered(hasAgreed: boolean): Piece[] {
    if (!this.isAsked) return [];
    const { early } = this;
    this.early = [];
    this.answer(hasAgreed);
    return early.length === 0 ? [] : this.push(joined(early));
  }

  /** Returns the held bytes at the end of the stream. */
  end(): Piece[] {
    const { held } = this;
    this.held = new Uint8Array(0);
    this.hasAgreed ??= false;
    return held.length === 0 ? [] : [plain(held)];
  }

  private answer(hasAgreed: boolean): void {
    this.hasAgreed = hasAgreed;
    this.state = hasAgreed ? 'frames' : 'blind';
  }

  private cut(chunk: Uint8Array): Piece[] {
    const { decoder } = this;
    const base = this.position - this.held.length;
    const bytes = this.held.length === 0 ? chunk : joined([this.held, chunk]);
    this.held = new Uint8Array(0);
    this.position += chunk.length;
    const pieces: Piece[] = [];
    /** Adds the piece of the stream from `start` to `end`, as far as `bytes` contains it. */
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
