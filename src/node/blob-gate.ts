// `BlobGate` reads Blobs one after another, and keeps later sends in order behind them.
import { Queue } from '../queue.js';
import { settle, type SendCallback } from './send-callback.js';

/** A waiting send, with the bytes that it adds to `bufferedAmount`. */
interface Waiting {
  readonly bytes: number;
  readonly callback: SendCallback | undefined;
  readonly send: () => void;
}

/** The part of a sending connection that its gate uses. */
export interface GateOwner {
  /** Whether the connection still takes sends. */
  isOpen(): boolean;
  /** Called when a send has to wait. */
  waits(): void;
  /** Called when everything that waited, up to the next Blob, has been sent. */
  passed(): void;
  /** Called when a Blob cannot be read. */
  failed(error: Error): void;
}

/** Keeps the order of sends while Blobs are read, one after another. */
export class BlobGate {
  /** Bytes of payload that wait here. */
  bytes = 0;
  private isReading = false;
  private readonly waiting = new Queue<Waiting>();

  constructor(private readonly owner: GateOwner) {}

  /** Whether a Blob is being read or sends wait behind one, so that a new send has to wait too. */
  get isShut(): boolean {
    return this.isReading || this.waiting.length > 0;
  }

  /** Reads a Blob after those that came before it, and hands its bytes to `send`. */
  read(blob: Blob, callback: SendCallback | undefined, send: (bytes: Uint8Array) => void): void {
    this.load(
      blob.size,
      () => blob.arrayBuffer(),
      callback,
      (memory) => send(new Uint8Array(memory)),
    );
  }

  /** As `read`, for anything that takes time: `get` is called when its turn has come. */
  load<Loaded>(
    bytes: number,
    get: () => Promise<Loaded>,
    callback: SendCallback | undefined,
    send: (loaded: Loaded) => void,
  ): void {
    if (this.isShut) this.wait(bytes, callback, () => this.begin(bytes, get, callback, send));
    else this.begin(bytes, get, callback, send);
  }

  /** Queues a send behind the Blob. */
  wait(bytes: number, callback: SendCallback | undefined, send: () => void): void {
    this.bytes += bytes;
    this.waiting.push({ bytes, callback, send });
    this.owner.waits();
  }

  private begin<Loaded>(
    bytes: number,
    get: () => Promise<Loaded>,
    callback: SendCallback | undefined,
    send: (loaded: Loaded) => void,
  ): void {
    this.isReading = true;
    this.bytes += bytes;
    this.owner.waits();
    get().then(
      (loaded) => this.open({ bytes, callback, send: () => send(loaded) }),
      (error: Error) => {
        const waiting = this.waiting.takeAll();
        this.isReading = false;
        this.bytes = 0;
        process.nextTick(() => {
          settle([callback, ...waiting.map((behind) => behind.callback)], error);
          this.owner.failed(error);
        });
      },
    );
  }

  /** Sends the bytes of the Blob, then what waited behind it, up to the next Blob. */
  private open(blob: Waiting): void {
    this.isReading = false;
    this.pass(blob);
    while (this.waiting.length > 0 && !this.isReading) this.pass(this.waiting.shift()!);
    this.owner.passed();
  }

  private pass({ bytes, callback, send }: Waiting): void {
    this.bytes -= bytes;
    try {
      if (this.owner.isOpen()) send();
      else settle([callback], new Error('The socket was closed while the blob was being read'));
    } catch (thrown) {
      // No caller can catch this error, and the sends behind it still have to leave.
      process.nextTick(() => {
        throw thrown;
      });
    }
  }
}
