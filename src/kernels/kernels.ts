// `Kernels` is the interface of one set of kernels, in WASM SIMD or in plain JavaScript.

/**
 * The object whose bytes or records are in the kernels' memory; `leave` copies them out before another uses the memory.
 */
export interface Tenant {
  leave(): void;
}

/**
 * Kernels work on bytes in their own fixed memory, and keep nothing between calls except the decoder
 * state. One set serves every connection of the thread.
 */
export interface Kernels {
  /** The name of this implementation. */
  readonly name: 'wasm-simd' | 'javascript';
  /** The whole memory, which never grows; the three views share it. */
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;

  /** Address of the 64 bytes of decoder state that a scan reads and writes (`spec/record.ts`). */
  readonly stateAddress: number;
  /** Address and length, in records, of the record table. */
  readonly recordsAddress: number;
  readonly recordCapacity: number;
  /** Address and length, in bytes, of the arena that chunks are copied to and scanned in; 64 bytes of slack follow. */
  readonly arenaAddress: number;
  readonly arenaLength: number;
  /** The second arena, which sockets read into directly; 64 bytes of slack follow it. */
  readonly landingAddress: number;
  readonly landingLength: number;
  /** Address and length, in bytes, of room for a call's own input or output; 64 bytes of slack follow it. */
  readonly scratchAddress: number;
  readonly scratchLength: number;
  /**
   * Address and length, in bytes, of room for frames that are masked where they were written; 64 bytes of slack follow.
   */
  readonly outgoingAddress: number;
  readonly outgoingLength: number;

  /** The decoder whose last scan is in the arena and the record table. */
  tenant: Tenant | undefined;

  /**
   * Walks the frames in [at, end), judges every header (RFC 6455 5.2-5.5), unmasks payloads in place, validates
   * text, and writes a record for each frame or piece.
   * @param config `SCAN_*` flags
   * @param maxPayload the longest message allowed, in bytes; at most 2^53 - 1
   * @returns the address after the last consumed byte: `end`, or less when the record table is full; the number of
   *   records is left in the state's `STATE_RECORDS` word
   */
  scanFrames(at: number, end: number, config: number, maxPayload: number): number;

  /**
   * XORs [at, at + length) with the four bytes of `key`, whose lowest 8 bits are the key's first byte (RFC 6455 5.3).
   * To start at phase p of a key, turn it first: `(key >>> 8 * p) | (key << (32 - 8 * p))`.
   */
  mask(at: number, length: number, key: number): void;

  /**
   * Masks the payload of each frame in [at, end) with the key in the frame's header (RFC 6455 5.3). All frames are
   * whole, have the MASK bit, and are shorter than 2^31 bytes.
   */
  maskFrames(at: number, end: number): void;

  /** 1 if [at, at + length) is whole, valid UTF-8 (RFC 3629), 0 if not. */
  isUtf8(at: number, length: number): number;

  /**
   * Continues to validate UTF-8 from `state` (0 at a character's start) over [at, at + length).
   * @returns the state after the last byte: 0 between characters, -1 once no further bytes can make it UTF-8, and
   *   otherwise `needed | lowest << 8 | highest << 16`: the bytes that the open character still needs, and the
   *   bounds of the next one
   */
  continueUtf8(at: number, length: number, state: number): number;

  /**
   * Writes the UTF-16LE code units of the valid UTF-8 in [at, at + length) to `to`; the areas do not overlap, `to` is
   * even and has room for 2 * length + 32 bytes.
   * @returns how many code units were written
   */
  transcode(at: number, length: number, to: number): number;
}
