// `ConnectionOptions` and `SendOptions` are the options of a connection and of one send.
import type { GenerateMask } from '../codec/masking-key.js';
import type { Statistics } from '../codec/statistics.js';
import type { Deflater, Inflater } from '../extensions/transform.js';
import type { Kernels } from '../kernels/kernels.js';
import type { Role } from '../spec/frame.js';
import type { Values } from '../values/values.js';

export interface ConnectionOptions {
  readonly role: Role;
  /** The longest message, in bytes, after decompression; 0 for no limit. Default 100 MiB. */
  readonly maxPayload?: number | undefined;
  /** The most frames in a message, including empty ones; 0 (the default) for no limit. */
  readonly maxFragments?: number | undefined;
  /** The longest payload of a frame of a message, in bytes; 0 (the default) for no limit. */
  readonly maxFramePayload?: number | undefined;
  /** The most chunks in which one frame may arrive; 0 (the default) for no limit. */
  readonly maxBufferedChunks?: number | undefined;
  /** Skip the UTF-8 validation of text and close reasons; text that is returned as strings is validated nevertheless. */
  readonly skipUTF8Validation?: boolean | undefined;
  /** Answer pings (RFC 6455 5.5.2); default true. */
  readonly autoPong?: boolean | undefined;
  /** Return messages in parts as they arrive, instead of whole. */
  readonly parts?: boolean | undefined;
  /** Return text as bytes (the default) or as strings. */
  readonly text?: 'bytes' | 'string' | undefined;
  /** Draws a client's masking keys; default: the platform's secure source. */
  readonly generateMask?: GenerateMask | undefined;
  /** RSV bits, in their places on the wire, that the caller's extension has claimed (RFC 6455 5.2). */
  readonly rsv?: number | undefined;
  /** Decompresses messages, where permessage-deflate was agreed (RFC 7692). */
  readonly inflater?: Inflater | undefined;
  /** Compresses messages, where permessage-deflate was agreed (RFC 7692). */
  readonly deflater?: Deflater | undefined;
  /** Messages shorter than this many bytes are sent uncompressed. Default 0. */
  readonly threshold?: number | undefined;
  /**
   * Whether pings and pongs overtake messages that wait for the deflater (RFC 6455 5.4 allows them between any two
   * frames); default true. `ws` keeps them in order.
   */
  readonly controlFirst?: boolean | undefined;
  readonly statistics?: Statistics | undefined;
  readonly kernels?: Kernels | undefined;
  readonly values?: Values | undefined;
}

export interface SendOptions {
  /** Whether the message is binary; by default, it is unless `data` is a string. */
  readonly binary?: boolean | undefined;
  /** Whether this is the message's last fragment; default true. */
  readonly fin?: boolean | undefined;
  /** Whether to compress, where that was agreed; default true. */
  readonly compress?: boolean | undefined;
  /** Whether `data` stays unchanged until it has been written, so that a long payload need not be copied. */
  readonly lent?: boolean | undefined;
}

/** Options of a message that is pulled from a source. */
export interface SourceOptions {
  /** Whether the message is binary; default true. */
  readonly binary?: boolean | undefined;
  /** RSV bits, in their places on the wire, of the message's first frame (RFC 6455 5.2). Default 0. */
  readonly rsv?: number | undefined;
  /** Whether to compress, where that was agreed; default false. */
  readonly compress?: boolean | undefined;
}
