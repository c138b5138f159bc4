// `Inflater` and `Deflater` are the interfaces between a connection and the code that compresses its payloads.
import type { WebSocketError } from '../errors/violations.js';

/**
 * The answer of a transform that has begun its work but not finished it. The transform calls nothing: its owner passes
 * the result to `connection.inflated(result)` or `connection.deflated(result)` when it is ready, and the connection
 * passes no other payload to that transform before.
 */
export const LATER: unique symbol = Symbol('later');

/** Decompresses received messages (RFC 7692 7.2.2). It serves one connection, and keeps its context if so agreed. */
export interface Inflater {
  /**
   * Decompresses one whole message.
   * @param payload the joined payloads of the message's frames, without the `00 00 ff ff` that the peer cut off; it may
   *   be overwritten after the return, even after the answer LATER
   * @param maxLength the longest result allowed, in bytes; Infinity for no limit
   * @returns the message, which the transform never touches again; the error that fails the connection, for corrupt
   *   data or a result longer than `maxLength`; or LATER
   */
  inflate(payload: Uint8Array, maxLength: number): Uint8Array | WebSocketError | typeof LATER;
  /** Releases all memory; a pending result is dropped. */
  close(): void;
}

/** Compresses messages to be sent (RFC 7692 7.2.1). It serves one connection, and keeps its context if so agreed. */
export interface Deflater {
  /**
   * Compresses the payload of one frame.
   * @param payload the frame's uncompressed payload; it may be overwritten after the return, even after the answer
   *   LATER
   * @param final whether this frame ends the message: then the result comes with its `00 00 ff ff` already cut off
   * @returns the frame's payload, which the transform never touches again; the error that fails the connection; or
   *   LATER
   */
  deflate(payload: Uint8Array, final: boolean): Uint8Array | WebSocketError | typeof LATER;
  /**
   * Records a message that another deflater has compressed, without reference to earlier ones, and that is sent now in its
   * turn. It enters the peer's window (RFC 7692 7.2.3.2), so that later messages must be compressed as if it had been sent
   * here. Without this method, the connection gets no shared messages.
   * @param payload the uncompressed message; it stays unchanged
   */
  learn?(payload: Uint8Array): void;
  /** Releases all memory; a pending result is dropped. */
  close(): void;
}
