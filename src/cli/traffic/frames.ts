// `Frames` reads the frames of one side and the messages in them, and continues after frames that break a rule.
import { Buffer } from 'node:buffer';
import { FrameDecoder, plainValues, Role, Violation, type FrameHeader, type Values } from '../../sans-io.js';
import { faultOf, FrameJudge } from './frame-judge.js';
import { takeJoined, type Fault, type Frame, type Message, type Side } from './frame.js';
import { KEPT, Messages, type Compression } from './messages.js';

const RSV_SHIFT = 4;
/** Payloads come from Node's pool, as memory of their own costs more: what reads them here writes to none. */
const pooled: Values = { ...plainValues, allocate: (length) => Buffer.allocUnsafe(length) };

/** Receives each frame when it has ended, with the message that it ends. */
export type TellFrame = (frame: Frame, message: Message | undefined) => void;

export class Frames {
  private readonly decoder = new FrameDecoder({ role: Role.Client, judge: false, values: pooled });
  private readonly judge: FrameJudge;
  private readonly messages: Messages;
  private readonly pieces: Uint8Array[] = [];
  private came = 0;
  private header: FrameHeader | undefined;

  constructor(
    private readonly from: Side,
    compression: Compression | undefined,
    private readonly tell: TellFrame,
  ) {
    this.judge = new FrameJudge(from, compression !== undefined);
    this.messages = new Messages(compression);
  }

  /** Takes bytes, which must not change afterwards; `time` is the time of their arrival in ms. */
  push(chunk: Uint8Array, time: number): void {
    const { decoder } = this;
    decoder.push(chunk);
    while (decoder.next()) {
      if (decoder.violation === Violation.LengthTooLarge) this.tellLost(time);
      if (decoder.violation !== Violation.None) return;
      if (decoder.start) this.header = decoder.header;
      this.came += decoder.length;
      if (this.came <= KEPT && decoder.length > 0) this.pieces.push(decoder.payload());
      if (decoder.end) this.finish(time);
    }
  }

  /** Takes the end of the side's bytes, and reports a frame that has begun and not ended. */
  end(time: number): void {
    if (this.header !== undefined) this.finish(time);
  }

  private finish(time: number): void {
    const { decoder, from, came } = this;
    const { headerLength, length, isMasked, maskingKey } = this.header!;
    const payload = this.pieces.length === 0 ? NOTHING : takeJoined(this.pieces);
    const { opcode, fin } = decoder;
    const rsv = decoder.rsv >> RSV_SHIFT;
    this.header = undefined;
    this.came = 0;
    // All consumers share one object: at many frames a second, further objects would be most of the work.
    const frame = {
      from,
      time,
      opcode,
      fin,
      rsv,
      isMasked,
      maskingKey,
      headerLength,
      length,
      payload,
      came,
      fault: undefined as Fault | undefined,
    };
    frame.fault = this.judge.judge(frame) ?? (came < length ? CUT_OFF : undefined);
    const ended = came === length ? this.messages.push(frame) : undefined;
    frame.fault ??= ended?.fault;
    this.tell(frame, ended?.message);
  }

  /** Reports a frame whose length is too large, so that neither its end nor anything after it can be found. */
  private tellLost(time: number): void {
    const { from } = this;
    const fault = faultOf(Violation.LengthTooLarge);
    const frame = { opcode: 0, fin: false, rsv: 0, isMasked: false, maskingKey: 0, headerLength: 0, length: 0 };
    this.tell({ from, time, ...frame, payload: NOTHING, came: 0, fault }, undefined);
  }
}

const NOTHING = new Uint8Array(0);
const CUT_OFF = { section: 'RFC 6455 7.1.4', text: 'The connection ended within this frame' };
