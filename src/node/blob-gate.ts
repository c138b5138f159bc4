// A Blob, which can only be read later -> its octets, sent before everything that was sent after it.
import { settle, type SendCallback } from './send-callback.js';

/** A send that waits, with what it adds to `bufferedAmount`. */
interface Waiting {
  readonly octets: number;
  readonly callback: SendCallback | undefined;
  readonly send: () => void;
}

/** Keeps the order of sends while Blobs are read, one after another. */
export class BlobGate {
  /** Octets of payload that wait here. */
  octets = 0;
  /** Whether a Blob is being read, so that everything else has to wait. */
  isShut = false;
  private waiting: Waiting[] = [];

  /**
   * @param isOpen whether the connection still takes what is sent
   * @param failed is told when a Blob cannot be read
   */
  constructor(
    private readonly isOpen: () => boolean,
    private readonly failed: (error: Error) => void,
  ) {}

  /** Reads a Blob, behind those that are being read, and hands its octets to `send`. */
  read(blob: Blob, callback: SendCallback | undefined, send: (octets: Uint8Array) => void): void {
    if (this.isShut) {
      this.wait(blob.size, callback, () => this.read(blob, callback, send));
      return;
    }
    this.isShut = true;
    this.octets += blob.size;
    blob.arrayBuffer().then(
      (memory) => this.open({ octets: blob.size, callback, send: () => send(new Uint8Array(memory)) }),
      (error: Error) => {
        const told = [callback, ...this.waiting.map((waiting) => waiting.callback)];
        this.waiting = [];
        this.octets = 0;
        process.nextTick(() => {
          settle(told, error);
          this.failed(error);
        });
      },
    );
  }

  /** Lets a send wait behind the Blob. */
  wait(octets: number, callback: SendCallback | undefined, send: () => void): void {
    this.octets += octets;
    this.waiting.push({ octets, callback, send });
  }

  /** Sends what the Blob held, and then what waited behind it, up to the next Blob. */
  private open(blob: Waiting): void {
    this.isShut = false;
    const { waiting } = this;
    this.waiting = [];
    this.pass(blob);
    while (waiting.length > 0 && !this.isShut) this.pass(waiting.shift()!);
    this.waiting.push(...waiting);
  }

  private pass({ octets, callback, send }: Waiting): void {
    this.octets -= octets;
    if (this.isOpen()) send();
    else settle([callback], new Error('The socket was closed while the blob was being read'));
  }
}
