// `ReadyState`, `RawData` and `CloseInfo` are types that a WebSocket's user meets: its states, its data and its end.

/** The states of `readyState`, as in the WHATWG's WebSocket. */
export enum ReadyState {
  Connecting = 0,
  Open = 1,
  Closing = 2,
  Closed = 3,
}
/** Their names, as error texts give them. */
export const STATE_NAMES: readonly string[] = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];

export type BinaryType = 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob';
export const BINARY_TYPES: readonly string[] = ['nodebuffer', 'arraybuffer', 'fragments', 'blob'];

/** A message's data, by `binaryType` and the `text` option. */
export type RawData = Buffer | ArrayBuffer | Buffer[] | Blob | string;

/** How a message is sent. */
export interface MessageOptions {
  /** Whether the message is binary; by default, whether the data is not a string. */
  binary?: boolean | undefined;
  /** Whether to compress, where that has been agreed; default true. */
  compress?: boolean | undefined;
  /** Whether this is the message's last fragment; default true. */
  fin?: boolean | undefined;
  /** Whether to mask; by default as RFC 6455 5.1 asks of the role. */
  mask?: boolean | undefined;
}

/** Who ended the connection, and why. */
export interface CloseInfo {
  readonly code: number;
  readonly reason: string;
  /** The side that began to close or gave the connection up; `none` when the socket was lost. */
  readonly initiator: 'local' | 'peer' | 'none';
  /** Whether Close frames went both ways. */
  readonly wasClean: boolean;
  /** The peer's violation, or `WS_ERR_HEARTBEAT` or `WS_ERR_BACKPRESSURE`, that the connection was ended for. */
  readonly error: Error | undefined;
}
