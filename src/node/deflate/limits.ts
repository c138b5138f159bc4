// `STEP_INPUT`, `STEP_OUTPUT` and the constants beside them limit the work of a compression engine in one step, in bytes.

/** The longest input of one step, and the longest output made in the call that brought the input, in bytes. */
export const AT_ONCE: number = 64 * 1024;

/** For messages of up to this many bytes, uncompressed, another thread costs more than it saves. */
export const LIGHT_DEFLATION: number = 4 * 1024;
export const LIGHT_INFLATION: number = 16 * 1024;

/** Bytes of input after which compression in this thread reads the clock. */
export const STEP_INPUT: number = 16 * 1024;

/** Bytes of output in one step: more than the compressed form of `AT_ONCE` bytes, which therefore takes one step. */
export const STEP_OUTPUT: number = AT_ONCE + AT_ONCE / 4;

/** The most connections of a thread with a compressing state of their own; the others create theirs again when they send. */
export const KEPT_HANDLES = 64;

/** How long zlib may work in this thread in one turn of the event loop, for all connections together, in milliseconds. */
export const TURN_MILLISECONDS = 3;

/** The part of that time for jobs that have waited for their turn. */
export const STEPS_MILLISECONDS = 2;

/** RFC 7692 7.2.1: the empty stored block at the end of a flush, which the sender cuts off and the receiver appends. */
export const TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** RFC 7692 7.2.3.6: the compressed form of an empty message. */
export const EMPTY_MESSAGE = 0x00;
