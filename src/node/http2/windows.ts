// `STREAM_WINDOW` and `SESSION_WINDOW` are the bytes that a peer may send ahead on a stream, and on all streams of a session.

/** A message of 1 MiB does not stall. */
export const STREAM_WINDOW: number = 1 << 20;
export const SESSION_WINDOW: number = 1 << 23;
/** The window of a session that the application has not set (RFC 9113 6.9.2). */
export const INITIAL_WINDOW: number = 65_535;
