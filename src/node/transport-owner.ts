// What has become of a socket -> calls of whoever holds its connection.

/** What a transport tells whoever owns it. */
export interface TransportOwner {
  /** Octets have been taken in: events may be there. Where it throws, it has called `detach` and `endRead`. */
  dispatch(): void;
  /** The peer has ended its half. */
  ended(): void;
  /** The socket failed; it is being destroyed. */
  failed(error: Error): void;
  /** The socket is gone, and everything it had read has been taken in. */
  closed(): void;
  /** What was written has gone out, and there is room again. */
  drained(): void;
  /** This peer has had its share of the thread: reading is to go on in a later turn. */
  rest(): void;
}
