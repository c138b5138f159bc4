// `Receiver` of `ws`: chunks written to it -> its events 'message', 'ping', 'pong' and 'conclude', by way of a Connection
// whose output nobody takes.
import { Writable } from 'node:stream';
import { Connection } from '../../connection/connection.js';
import { EventType, type ConnectionEvent } from '../../connection/event.js';
import { violationError, type WebSocketError } from '../../errors/violations.js';
import { LATER, type Inflater } from '../../extensions/transform.js';
import { CloseCode } from '../../spec/close-code.js';
import { Role } from '../../spec/frame.js';
import { Violation } from '../../spec/violation.js';
import { behind, tie } from '../behind.js';
import { shape } from '../shape.js';
import { nextTurn } from '../turn.js';
import type { BinaryType } from '../types.js';
import { nodeValues } from '../values.js';

/** The part of a PerMessageDeflate, of `ws` or ours, that a Receiver uses. */
export interface ReceiverDeflate {
  decompress(data: Uint8Array, fin: boolean, callback: (error: Error | null, data?: Uint8Array) => void): void;
}

export interface ReceiverOptions {
  /** Whether several events may come in one turn of the event loop. Default true. */
  readonly allowSynchronousEvents?: boolean | undefined;
  /** The type of binary messages. Default 'nodebuffer'. */
  readonly binaryType?: BinaryType | undefined;
  /** The agreed PerMessageDeflate, under its name. */
  readonly extensions?: Record<string, unknown> | undefined;
  /** Whether frames come from a client, masked. Default false. */
  readonly isServer?: boolean | undefined;
  /** The most chunks in which one frame may arrive; 0 (the default) for no limit. */
  readonly maxBufferedChunks?: number | undefined;
  /** The most frames in a message; 0 (the default) for no limit. */
  readonly maxFragments?: number | undefined;
  /** The longest message, in bytes, after decompression; 0 (the default) for no limit. */
  readonly maxPayload?: number | undefined;
  readonly skipUTF8Validation?: boolean | undefined;
}

type WriteCallback = (error?: Error | null) => void;

/**
 * Reads the frames of a peer. Emits 'message' (data, isBinary), 'ping' (data), 'pong' (data) and 'conclude' (code, reason), and
 * 'error' for a peer's violation. A write calls back when the events of its chunk have been emitted.
 */
export class Receiver extends Writable {
  readonly #connection: Connection;
  readonly #binaryType: BinaryType;
  readonly #tellsAtOnce: boolean;
  /** The writes whose events have not all been emitted: more than one only where `_write` is called directly. @internal */
  readonly _buffers: WriteCallback[] = tie([], this);
  #isTelling = false;
  #isInflating = false;

  constructor(options: ReceiverOptions = {}) {
    super();
    const deflate = options.extensions?.['permessage-deflate'] as ReceiverDeflate | undefined;
    this.#binaryType = options.binaryType ?? 'nodebuffer';
    this.#tellsAtOnce = options.allowSynchronousEvents !== false;
    this.#connection = new Connection({
      role: options.isServer === true ? Role.Server : Role.Client,
      autoPong: false,
      maxBufferedChunks: positive(options.maxBufferedChunks),
      maxFragments: positive(options.maxFragments),
      maxPayload: positive(options.maxPayload),
      skipUTF8Validation: options.skipUTF8Validation,
      inflater: deflate === undefined ? undefined : this.#inflaterOver(deflate),
      values: nodeValues,
    });
    this.#connection.keepFragments = this.#binaryType === 'fragments';
  }

  /** Takes in a chunk without changing it. May be called directly, even before an earlier call has called back. */
  override _write(chunk: Buffer, _encoding: string, callback: WriteCallback): void {
    const receiver = behind<Receiver>(this, '_buffers') ?? this;
    receiver._buffers.push(callback);
    receiver.#connection.receive(chunk);
    if (!receiver.#isTelling) receiver.#tellAll();
  }

  /** Emits all available events, or one where the next has to wait for the next turn. */
  #tellAll(): void {
    const connection = this.#connection;
    this.#isTelling = true;
    let isWaiting = false;
    let error: WebSocketError | undefined;
    try {
      for (let event = connection.next(); event !== undefined; event = connection.next()) {
        if (event.type === EventType.Failure) error = event.error;
        else if (this.#tellsAtOnce || event.type === EventType.Close) this.#tell(event);
        else {
          const later = event;
          isWaiting = true;
          nextTurn(() => {
            try {
              this.#tell(later);
            } finally {
              this.#tellAll();
            }
          });
          break;
        }
      }
    } finally {
      // Deviation from ws (D19): after a listener has thrown, the next write continues with the rest.
      connection.detach();
      this.#isTelling = isWaiting;
    }
    if (!isWaiting && !this.#isInflating) this.#callBack(error);
  }

  #tell(event: ConnectionEvent): void {
    switch (event.type) {
      case EventType.Message: {
        const data = event.data as Uint8Array;
        const shaped = event.isBinary ? shape(data, event.fragmentEnds, this.#binaryType) : data;
        this.emit('message', shaped, event.isBinary);
        return;
      }
      case EventType.Ping:
        this.emit('ping', event.data);
        return;
      case EventType.Pong:
        this.emit('pong', event.data);
        return;
      case EventType.Close:
        this.emit('conclude', event.code, event.data);
        this.end();
        return;
      case EventType.Part:
      case EventType.Failure:
    }
  }

  #callBack(error: WebSocketError | undefined): void {
    for (const callback of this._buffers.splice(0)) callback(error);
  }

  /** An inflater of the connection that calls `decompress`, which may call back at once or later. */
  #inflaterOver(deflate: ReceiverDeflate): Inflater {
    return {
      inflate: (payload, maxLength) => {
        let isLate = false;
        let answer: Uint8Array | WebSocketError | typeof LATER = LATER;
        deflate.decompress(Buffer.from(payload), true, (error, data) => {
          answer = resultOf(error, data, maxLength);
          if (!isLate) return;
          this.#isInflating = false;
          this.#connection.inflated(answer);
          this.#tellAll();
        });
        isLate = true;
        this.#isInflating = answer === LATER;
        return answer;
      },
      close() {},
    };
  }
}

/** A limit as `ws` reads it: whatever is not above 0 is none. */
export function positive(limit: unknown): number {
  const number = Number(limit);
  return number > 0 ? number : 0;
}

function resultOf(error: Error | null, data: Uint8Array | undefined, maxLength: number): Uint8Array | WebSocketError {
  if (data === undefined) {
    // Properties that an error of zlib, or of the PerMessageDeflate of `ws`, lacks.
    const { code = 'Z_DATA_ERROR', closeCode = CloseCode.InvalidPayload } = error as Partial<WebSocketError>;
    return Object.assign(error!, { code, closeCode });
  }
  return data.length > maxLength ? violationError(Violation.MessageTooBig) : data;
}
