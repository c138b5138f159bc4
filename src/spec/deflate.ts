// `Inflating` numbers the answers of the inflater's kernel, and the constants beside it are lengths of its memory.

/** Why a call of the inflater returned. */
export enum Inflating {
  /** All input has been read, and the stream is not at its end. */
  NeedsInput = 0,
  /** There is no more room for output. */
  IsFull = 1,
  /** A final block is over (RFC 1951 3.2.3, BFINAL). */
  Ended = 2,
  /** The input is no DEFLATE stream (RFC 1951 3.2), or refers back past its window. */
  Corrupt = 3,
}

/** How deflated bytes end. */
export enum Flush {
  /** More blocks of this payload follow. */
  None = 0,
  /** A sync flush without its `00 00 ff ff` (RFC 7692 7.2.1). */
  Cut = 1,
  /** A sync flush. */
  Whole = 2,
}

/** The longest window, in bytes (RFC 1951 2). */
export const MAX_WINDOW = 32768;
/** How many bytes of input the inflater takes at a time. */
export const INFLATE_INPUT = 65536;
/** The inflater's output with the window before it, in bytes. */
export const INFLATE_OUTPUT = 262144;
/** How many bytes become one block; a stored block would hold 65,535 (RFC 1951 3.2.4). */
export const DEFLATE_INPUT = 49152;
