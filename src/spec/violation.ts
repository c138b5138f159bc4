// `Violation` numbers the ways in which a peer can break the protocol, so that a kernel can write one into a record.

/** A broken rule; `errors/violations.ts` has a row for each, with its code, close code and section. */
export enum Violation {
  None = 0,
  /** RSV2 or RSV3 is set and no extension claims it (RFC 6455 5.2). */
  UnexpectedRsv23 = 1,
  /** RSV1 is set where no extension claims it, on a continuation, or on a control frame (RFC 6455 5.2, RFC 7692 6). */
  UnexpectedRsv1 = 2,
  /** The opcode is reserved, or breaks the order of fragments (RFC 6455 5.2, 5.4). */
  InvalidOpcode = 3,
  /** A control frame is fragmented (RFC 6455 5.5). */
  ExpectedFin = 4,
  /** A control frame is longer than 125 bytes, or a Close has a payload of one byte (RFC 6455 5.5, 5.5.1). */
  InvalidControlLength = 5,
  /** A client's frame is not masked (RFC 6455 5.1). */
  ExpectedMask = 6,
  /** A server's frame is masked (RFC 6455 5.1). */
  UnexpectedMask = 7,
  /** The payload length was not written in the fewest bytes (RFC 6455 5.2). */
  NonMinimalLength = 8,
  /** The payload length does not fit 2^53 - 1, or its top bit is set (RFC 6455 5.2). */
  LengthTooLarge = 9,
  /** The message is longer than the receiver allows (RFC 6455 7.4.1, code 1009). */
  MessageTooBig = 10,
  /** Text or a close reason is not UTF-8 (RFC 6455 8.1). */
  InvalidUtf8 = 11,
  /** The Close frame's code may not be sent (RFC 6455 7.4). */
  InvalidCloseCode = 12,
  /** The message has more fragments than the receiver allows (RFC 6455 10.4). */
  TooManyFragments = 13,
  /** More chunks wait to be read than the receiver allows (RFC 6455 10.4). */
  TooManyChunks = 14,
  /** A compressed message does not inflate (RFC 7692 7.2.2). */
  InvalidDeflate = 15,
  /** Not the peer's fault: the library itself trapped (RFC 6455 7.4.1, code 1011). */
  Internal = 16,
}
