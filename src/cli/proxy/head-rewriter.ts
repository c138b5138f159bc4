// `HeadRewriter` writes the target's name into the fields Host and Origin of a connection's first request.
import { Buffer } from 'node:buffer';

/** The longest head, in bytes, that the rewriter waits for; a longer one passes unchanged. */
const MOST: number = 64 * 1024;
const END = '\r\n\r\n';

export class HeadRewriter {
  private held: Buffer | undefined = Buffer.alloc(0);

  /** @param host the new value of Host; @param origin the new value of Origin, if the request has that field */
  constructor(
    private readonly host: string,
    private readonly origin: string,
  ) {}

  /** Returns the bytes to send after the arrival of a chunk: none while the head is incomplete. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.held === undefined) return chunk;
    const bytes = Buffer.concat([this.held, chunk]);
    const end = bytes.indexOf(END);
    if (end < 0 && bytes.length <= MOST) {
      this.held = bytes;
      return bytes.subarray(0, 0);
    }
    this.held = undefined;
    if (end < 0) return bytes;
    const head = bytes
      .toString('latin1', 0, end)
      .replace(/^(host: *).*$/im, `$1${this.host}`)
      .replace(/^(origin: *).*$/im, `$1${this.origin}`);
    return Buffer.concat([Buffer.from(head, 'latin1'), bytes.subarray(end)]);
  }

  /** Returns the bytes of a head that ends before it is complete. */
  end(): Uint8Array {
    const bytes = this.held ?? Buffer.alloc(0);
    this.held = undefined;
    return bytes;
  }
}
