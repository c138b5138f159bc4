// Choices become the behaviour of a socket: writes that are taken at once, in part, later or never, and reads that come by
// 'data' or land where the library asked for them, as they do from a socket of Node's own.
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
// The global one is the clock's to fire; the kernel has a time of its own.
import { setImmediate } from 'node:timers';
import type { Random } from '../support/random.js';

type Callback = (error?: Error | null) => void;

/** A write of which some bytes are not taken yet; they are looked at when they are, as the kernel does. */
interface Waiting {
  chunks: Buffer[];
  callback: Callback;
}

/** What both sockets have in common: what was written, and how it goes on. */
export class Mouth {
  /** Everything that was taken, in order. */
  readonly taken: Buffer[] = [];
  waiting: Waiting | undefined;
  /** Whether a write failed or was left behind, so that the last frame may be cut off. */
  wasCut = false;
  private error: Error | undefined;

  constructor(
    private readonly choices: Random,
    private readonly isCalm: () => boolean,
  ) {}

  write(chunks: Buffer[], callback: Callback): void {
    // After one failure every write fails.
    if (this.error !== undefined) return callback(this.error);
    const way = this.isCalm() ? 0 : this.choices.below(8);
    if (way < 4) {
      this.take(chunks);
      callback();
    } else if (way < 6) {
      this.waiting = { chunks, callback };
    } else if (way === 6) {
      // A short write.
      const [first, ...others] = chunks;
      const length = this.choices.below(first.length + 1);
      this.take([first.subarray(0, length)]);
      this.waiting = { chunks: [first.subarray(length), ...others], callback };
    } else if (this.choices.oneIn(8)) {
      this.wasCut = true;
      this.take([chunks[0].subarray(0, this.choices.below(chunks[0].length + 1))]);
      this.error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
      callback(this.error);
    } else {
      this.take(chunks);
      process.nextTick(callback);
    }
  }

  /** Takes what waits, or with `error` gives it up. */
  release(error?: Error): void {
    const { waiting } = this;
    if (waiting === undefined) return;
    this.waiting = undefined;
    if (error === undefined) this.take(waiting.chunks);
    else this.wasCut = true;
    waiting.callback(error);
  }

  private take(chunks: Buffer[]): void {
    // A copy: to write to the bytes after they were taken does no harm, and before that it does.
    for (const chunk of chunks) this.taken.push(Buffer.from(chunk));
  }
}

export interface MockSocket extends Duplex {
  readonly mouth: Mouth;
  /** The peer's bytes come in. */
  receive(chunk: Buffer): void;
  /** The peer ends its half. */
  receiveEnd(): void;
}

const canceled = (): Error => Object.assign(new Error('write ECANCELED'), { code: 'ECANCELED' });
const asBuffers = (chunks: { chunk: Buffer | string; encoding: BufferEncoding }[]): Buffer[] =>
  chunks.map(({ chunk, encoding }) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk));

/** A stream that is no socket of Node's. */
export class MockDuplex extends Duplex implements MockSocket {
  constructor(readonly mouth: Mouth) {
    super({ allowHalfOpen: true });
  }
  receive(chunk: Buffer): void {
    if (!this.destroyed) this.push(chunk);
  }
  receiveEnd(): void {
    this.push(null);
  }
  override _read(): void {}
  override _write(chunk: Buffer, encoding: BufferEncoding, callback: Callback): void {
    this.mouth.write(asBuffers([{ chunk, encoding }]), callback);
  }
  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], callback: Callback): void {
    this.mouth.write(asBuffers(chunks), callback);
  }
  override _destroy(error: Error | null, callback: Callback): void {
    process.nextTick(() => {
      this.mouth.release(canceled());
      callback(error);
    });
  }
}

/** What Node's socket asks of its handle. */
interface Handle {
  reading: boolean;
  readStart(): number;
  readStop(): number;
  close(done: () => void): void;
  useUserBuffer(area: Uint8Array): void;
  onread?: unknown;
}

type Landed = (this: Socket, octets: number) => boolean;

/** A socket of Node's with a handle of ours, which lands bytes where it is told to. */
export class MockNetSocket extends Socket implements MockSocket {
  private area: Uint8Array | undefined;
  private incoming: Buffer[] = [];
  private hasEnded = false;

  constructor(readonly mouth: Mouth) {
    super({ allowHalfOpen: true });
    const handle: Handle = {
      reading: true,
      readStart: () => (process.nextTick(() => this.land()), 0),
      readStop: () => 0,
      close: (done) => void setImmediate(done),
      useUserBuffer: (area) => (this.area = area),
    };
    // oxlint-disable-next-line no-constructor-return -- not returned: Node's own field is filled
    Object.assign(this, { _handle: handle });
  }

  receive(chunk: Buffer): void {
    if (this.destroyed) return;
    if (this.area === undefined) {
      this.push(chunk);
      return;
    }
    this.incoming.push(chunk);
    this.land();
  }

  receiveEnd(): void {
    this.hasEnded = true;
    if (this.area === undefined) this.endReading();
    else this.land();
  }

  private endReading(): void {
    this.hasEnded = false;
    this.push(null);
    this.read(0);
  }

  /** As the kernel's reads do: one area for all, and nothing while reading is stopped. */
  private land(): void {
    const { area } = this;
    if (area === undefined) return;
    while (this.incoming.length > 0 && !this.destroyed && this.handle?.reading) {
      const chunk = this.incoming.shift()!;
      const length = Math.min(chunk.length, area.length);
      area.set(chunk.subarray(0, length));
      if (length < chunk.length) this.incoming.unshift(chunk.subarray(length));
      const isWanted = this.landed.call(this, length);
      area.fill(0xa5, 0, length);
      if (!isWanted) return;
    }
    if (!this.hasEnded || this.incoming.length > 0 || this.destroyed || !this.handle?.reading) return;
    this.endReading();
  }

  private get handle(): Handle | null {
    return (this as unknown as { _handle: Handle | null })._handle;
  }

  private get landed(): Landed {
    const slot = Object.getOwnPropertySymbols(this).find(({ description }) => description === 'kBufferCb');
    return (this as unknown as Record<symbol, Landed>)[slot!];
  }

  override _read(): void {}
  override _write(chunk: Buffer, encoding: BufferEncoding, callback: Callback): void {
    this.mouth.write(asBuffers([{ chunk, encoding }]), callback);
  }
  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], callback: Callback): void {
    this.mouth.write(asBuffers(chunks), callback);
  }
  override _final(callback: Callback): void {
    callback();
  }
  override _destroy(error: Error | null, callback: Callback): void {
    // As the kernel does: what is under way comes back later, and before 'close'.
    process.nextTick(() => this.mouth.release(canceled()));
    super._destroy(error, callback);
  }
}
