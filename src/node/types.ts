// `ReadyState`, `RawData` and `CloseInfo` are types of the public API: a WebSocket's states, data and end.

/** The states of `readyState`, as in the WHATWG's WebSocket. */
export enum ReadyState {
  Connecting = 0,
  Open = 1,
  Closing = 2,
  Closed = 3,
}
/** The names of the states, as error messages give them. */
export const STATE_NAMES: readonly string[] = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];

export type BinaryType = 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob';
export const BINARY_TYPES: readonly string[] = ['nodebuffer', 'arraybuffer', 'fragments', 'blob'];

/** The data of a message, depending on `binaryType` and the option `text`. */
export type RawData = Buffer | ArrayBuffer | Buffer[] | Blob | string;

/** How to send a message. */
export interface MessageOptions {
  /** Whether the message is binary; by default, it is unless the data is a string. */
  binary?: boolean | undefined;
  /** Whether to compress, where that was agreed; default true. */
  compress?: boolean | undefined;
  /** Whether this is the message's last fragment; default true. */
  fin?: boolean | undefined;
  /** Whether to mask; by default as RFC 6455 5.1 requires of the role. */
  mask?: boolean | undefined;
}

/** Who ended the connection, and why. */
export interface CloseInfo {
  readonly code: number;
  readonly reason: string;
  /** The side that started the close or gave up the connection; `none` when the socket was lost. */
  readonly initiator: 'local' | 'peer' | 'none';
  /** Whether a Close frame was both sent and received. */
  readonly wasClean: boolean;
  /** The reason for ending the connection: the peer's violation, `WS_ERR_HEARTBEAT` or `WS_ERR_BACKPRESSURE`. */
  readonly error: Error | undefined;
}
