// `STEP_INPUT`, `STEP_OUTPUT` and their neighbours limit the work of a compression engine before others run, in bytes.

/** The longest input that is worked through in one step, and the longest output made in the call that brought it, in bytes. */
export const AT_ONCE: number = 64 * 1024;

/** Messages of up to this many bytes, uncompressed, are not worth the way to another thread and back. */
export const LIGHT_DEFLATION: number = 4 * 1024;
export const LIGHT_INFLATION: number = 16 * 1024;

/** Bytes of input after which compression in this thread looks at the clock. */
export const STEP_INPUT: number = 16 * 1024;

/** Bytes of output that one step writes: more than `AT_ONCE` bytes can be compressed to, so that they take one step. */
export const STEP_OUTPUT: number = AT_ONCE + AT_ONCE / 4;

/** How many connections of a thread have a state of their own that compresses; the others have theirs made anew when they send. */
export const KEPT_HANDLES = 64;

/** How long zlib may work in this thread in one turn of the event loop, for all connections together, in milliseconds. */
export const TURN_MILLISECONDS = 3;

/** How much of that jobs may take which have waited for their turn. */
export const STEPS_MILLISECONDS = 2;

/** RFC 7692 7.2.1: the empty stored block at the end of a flush, which the sender cuts off and the receiver appends. */
export const TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** RFC 7692 7.2.3.6: the compressed form of an empty message. */
export const EMPTY_MESSAGE = 0x00;
