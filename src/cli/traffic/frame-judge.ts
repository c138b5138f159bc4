// `FrameJudge` returns the rule that each frame of one side breaks, and continues after it (RFC 6455 5, RFC 7692 6).
import { judgeClosePayload, kernels, Opcode, Violation, VIOLATIONS } from '../../sans-io.js';
import { isControl, type Fault, type Side } from './frame.js';

/** The most bytes that a control frame carries (RFC 6455 5.5). */
const MAX_CONTROL = 125;
/** The longest payload for which 0, 2 and 8 bytes of extended length are more than needed (RFC 6455 5.2). */
const LONGEST_OF_FORM: readonly number[] = [-1, MAX_CONTROL, 0xffff];
/** The bit of RSV1 in `Frame.rsv`. */
export const RSV1_BIT = 4;
const KEY_BYTES = 4;

/** The header of a frame, and the payload of a Close. */
interface Judged {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv: number;
  readonly isMasked: boolean;
  readonly headerLength: number;
  readonly length: number;
  readonly payload: Uint8Array;
}

/** Returns a row of the library's table of violations as a fault. */
export function faultOf(violation: Exclude<Violation, Violation.None>, detail: number = 0): Fault {
  const { section, text } = VIOLATIONS[violation];
  return { section, text: text.replace('%', String(detail)) };
}

export class FrameJudge {
  /** Whether a message has begun and not ended. */
  private isOpen = false;
  private hasClosed = false;

  /** @param deflates whether permessage-deflate was agreed on, so that RSV1 has a meaning */
  constructor(
    private readonly from: Side,
    private readonly deflates: boolean,
  ) {}

  /** Returns the first rule that the next frame breaks, if any. */
  judge(frame: Judged): Fault | undefined {
    const isFirst = !this.hasClosed;
    const fault = this.faultIn(frame);
    if (!isControl(frame.opcode)) this.isOpen = !frame.fin;
    if (frame.opcode === Opcode.Close) this.hasClosed = true;
    if (fault !== undefined || isFirst) return fault;
    return { section: 'RFC 6455 5.5.1', text: 'Nothing may follow a Close frame' };
  }

  private faultIn({ opcode, fin, rsv, isMasked, headerLength, length, payload }: Judged): Fault | undefined {
    const isCompressed = (rsv & RSV1_BIT) !== 0;
    const form = (headerLength - 2 - (isMasked ? KEY_BYTES : 0)) / 2;
    // RFC 6455 5.2: RSV bits are 0 unless an extension has given them a meaning.
    if ((rsv & ~RSV1_BIT) !== 0) return faultOf(Violation.UnexpectedRsv23);
    if (isCompressed && !this.deflates) return faultOf(Violation.UnexpectedRsv1);
    const isKnown = opcode <= Opcode.Binary || (isControl(opcode) && opcode <= Opcode.Pong);
    if (!isKnown) return faultOf(Violation.InvalidOpcode, opcode);
    if (isControl(opcode)) {
      // RFC 6455 5.5: control frames are neither fragmented nor long.
      if (!fin) return faultOf(Violation.ExpectedFin);
      if (isCompressed) return faultOf(Violation.UnexpectedRsv1);
      if (form > 0 || (opcode === Opcode.Close && length === 1)) return faultOf(Violation.InvalidControlLength, length);
    } else {
      // RFC 7692 6.1: RSV1 is set on the first frame of a message only.
      if (opcode === Opcode.Continuation && isCompressed) return faultOf(Violation.UnexpectedRsv1);
      // RFC 6455 5.4: a continuation continues a message, and no other message begins within one.
      if ((opcode === Opcode.Continuation) !== this.isOpen) return faultOf(Violation.InvalidOpcode, opcode);
    }
    // RFC 6455 5.1: a client masks every frame, a server none.
    if (isMasked !== (this.from === 'client')) {
      return faultOf(isMasked ? Violation.UnexpectedMask : Violation.ExpectedMask);
    }
    // RFC 6455 5.2: the length is written in the fewest bytes.
    if (length <= LONGEST_OF_FORM[Math.min(form, 2)]) return faultOf(Violation.NonMinimalLength, length);
    if (opcode !== Opcode.Close) return undefined;
    const violation = judgeClosePayload(payload, false, kernels);
    if (violation === Violation.None) return undefined;
    const code = payload.length < 2 ? payload.length : (payload[0] << 8) | payload[1];
    return faultOf(violation, code);
  }
}
