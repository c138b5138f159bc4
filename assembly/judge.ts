// `judgeHeader` finds the rule that a header's first two bytes break (RFC 6455 5.1-5.5, RFC 7692 6.1).
import { FIN, LENGTH_BITS, MASK, MAX_CONTROL_PAYLOAD, OPCODE_BITS, Opcode, RSV1, RSV_BITS } from '../src/spec/frame';
import { Violation } from '../src/spec/violation';

/** The rule that a header's first two bytes break, given the RSV bits claimed, the role, and the unfinished message. */
export function judgeHeader(first: i32, second: i32, claimed: i32, mustMask: i32, message: i32): i32 {
  // RFC 6455 5.2: RSV bits must be 0 unless an extension has given them a meaning.
  const unclaimed = first & RSV_BITS & ~claimed;
  if (unclaimed) return unclaimed == RSV1 ? Violation.UnexpectedRsv1 : Violation.UnexpectedRsv23;
  const opcode = first & OPCODE_BITS;
  if (opcode <= Opcode.Binary) {
    if (opcode == Opcode.Continuation) {
      // RFC 7692 6.1: RSV1 is set on the first frame of a message only.
      if (first & RSV1) return Violation.UnexpectedRsv1;
      // RFC 6455 5.4: a continuation continues a message.
      if (!message) return Violation.InvalidOpcode;
    } else if (message) {
      // RFC 6455 5.4: the fragments of one message are not interleaved with another message.
      return Violation.InvalidOpcode;
    }
  } else if (opcode >= Opcode.Close && opcode <= Opcode.Pong) {
    // RFC 6455 5.5: control frames must not be fragmented.
    if (!(first & FIN)) return Violation.ExpectedFin;
    // RFC 7692 6.1: control frames are not compressed.
    if (first & RSV1) return Violation.UnexpectedRsv1;
    const short = second & LENGTH_BITS;
    // RFC 6455 5.5: control frames carry at most 125 bytes. 5.5.1: the payload of a Close starts with a 2-byte code.
    if (short > MAX_CONTROL_PAYLOAD || (opcode == Opcode.Close && short == 1)) return Violation.InvalidControlLength;
  } else {
    // RFC 6455 5.2: an unknown opcode fails the connection.
    return Violation.InvalidOpcode;
  }
  // RFC 6455 5.1: a client masks every frame, a server none.
  if ((second & MASK) != mustMask) return mustMask ? Violation.ExpectedMask : Violation.UnexpectedMask;
  return Violation.None;
}
