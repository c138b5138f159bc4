// BlobGate reads Blobs one after another, and keeps what is sent meanwhile in its order.
import { Queue } from '../queue.js';
import { settle, type SendCallback } from './send-callback.js';

/** A send that waits, with what it adds to `bufferedAmount`. */
interface Waiting {
  readonly octets: number;
  readonly callback: SendCallback | undefined;
  readonly send: () => void;
}

/** The connection that sends, as its gate knows it. */
export interface GateOwner {
  /** Whether the connection still takes what is sent. */
  isOpen(): boolean;
  /** A send waits. */
  waits(): void;
  /** What waited has been sent, up to the next Blob. */
  passed(): void;
  /** A Blob cannot be read. */
  failed(error: Error): void;
}

/** Keeps the order of sends while Blobs are read, one after another. */
export class BlobGate {
  /** Bytes of payload that wait here. */
  octets = 0;
  private isReading = false;
  private readonly waiting = new Queue<Waiting>();

  constructor(private readonly owner: GateOwner) {}

  /** Whether a Blob is being read, or something waits behind one, so that everything else has to wait. */
  get isShut(): boolean {
    return this.isReading || this.waiting.length > 0;
  }

  /** Reads a Blob, behind those that are being read, and hands its bytes to `send`. */
  read(blob: Blob, callback: SendCallback | undefined, send: (octets: Uint8Array) => void): void {
    if (this.isShut) this.wait(blob.size, callback, () => this.begin(blob, callback, send));
    else this.begin(blob, callback, send);
  }

  /** Lets a send wait behind the Blob. */
  wait(octets: number, callback: SendCallback | undefined, send: () => void): void {
    this.octets += octets;
    this.waiting.push({ octets, callback, send });
    this.owner.waits();
  }

  private begin(blob: Blob, callback: SendCallback | undefined, send: (octets: Uint8Array) => void): void {
    this.isReading = true;
    this.octets += blob.size;
    this.owner.waits();
    blob.arrayBuffer().then(
      (memory) => this.open({ octets: blob.size, callback, send: () => send(new Uint8Array(memory)) }),
      (error: Error) => {
        const waiting = this.waiting.takeAll();
        this.isReading = false;
        this.octets = 0;
        process.nextTick(() => {
          settle([callback, ...waiting.map((behind) => behind.callback)], error);
          this.owner.failed(error);
        });
      },
    );
  }

  /** Sends what the Blob held, and then what waited behind it, up to the next Blob. */
  private open(blob: Waiting): void {
    this.isReading = false;
    this.pass(blob);
    while (this.waiting.length > 0 && !this.isReading) this.pass(this.waiting.shift()!);
    this.owner.passed();
  }

  private pass({ octets, callback, send }: Waiting): void {
    this.octets -= octets;
    try {
      if (this.owner.isOpen()) send();
      else settle([callback], new Error('The socket was closed while the blob was being read'));
    } catch (thrown) {
      // No caller is there to catch it, and what waits behind it goes its way all the same.
      process.nextTick(() => {
        throw thrown;
      });
    }
  }
}
