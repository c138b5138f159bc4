// `Closing` is the state machine of a connection's end: which Close frames were received and sent, and why it failed.
//
//                       ours is queued                 the peer's comes
//             ┌────────────────────────> LocalClosing ─────────────────────┐
//      Open ──┤                                                            ├──> Closed
//             └────────────────────────> RemoteClosing ────────────────────┘
//                      the peer's comes                ours is written, or never will be
//
//      Every state goes to Closed at once when the connection fails, when the peer's bytes end, and when it is disposed of.
import type { FrameEncoder } from '../codec/frame-encoder.js';
import type { WebSocketError } from '../errors/violations.js';
import { FIN, Opcode } from '../spec/frame.js';
import { State } from './state.js';

/** The content of the peer's Close frame; `code` is 1005 where it had none. */
export interface PeerClose {
  readonly code: number;
  readonly reason: Uint8Array;
}

/** The progress of the closing handshake (RFC 6455 7.1.2 to 7.1.7); it does no reading or writing itself. */
export class Closing {
  state: State = State.Open;
  /** The peer's Close, once received. */
  received: PeerClose | undefined;
  /** The code of our Close, 1005 for none, once queued, and its payload. */
  queued: number | undefined;
  private payload: Uint8Array | undefined;
  /** The same code, once the frame has been handed out. */
  sent: number | undefined;
  /** The reason why the connection was failed. */
  failure: WebSocketError | undefined;

  /** The peer's Close was received; with `isAnswered`, ours is about to be queued. */
  receive(close: PeerClose, isAnswered: boolean): void {
    this.received = close;
    if (isAnswered) this.move(State.RemoteClosing);
  }

  /** Our Close was queued after everything that was sent before. */
  queue(code: number, payload: Uint8Array): void {
    this.queued = code;
    this.payload = payload;
    if (this.state === State.Open) this.move(State.LocalClosing);
  }

  /** Everything queued has been handed out, our Close too. */
  handOut(): void {
    if (this.payload !== undefined) this.sent = this.queued;
  }

  /** Writes our Close again, where it was queued and what waited is dropped. */
  writeAgain(encoder: FrameEncoder): void {
    const { payload } = this;
    if (payload === undefined || this.sent !== undefined) return;
    // It is not handed out where the caller's source of keys takes the output.
    this.payload = undefined;
    try {
      encoder.put(FIN | Opcode.Close, payload, payload.length, false);
      this.payload = payload;
    } catch {
      // RFC 6455 5.3: no frame is sent without a fresh masking key.
    }
  }

  /** Both Closes have been exchanged: the peer's was received, and ours `isWritten` or never will be (RFC 6455 7.1.4). */
  settle(isWritten: boolean): void {
    if (isWritten && this.received !== undefined) this.end();
  }

  /** Nothing more is read or sent. */
  end(): void {
    this.move(State.Closed);
  }

  /** Nothing more is read or sent, nor handed out. */
  drop(): void {
    this.payload = undefined;
    this.end();
  }

  private move(state: State): void {
    if (this.state !== State.Closed) this.state = state;
  }
}
