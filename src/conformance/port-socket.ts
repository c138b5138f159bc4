// `PortSocket` is the socket of another thread, whose bytes `carry` brings and takes over a port.

import { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import { endSocket } from './connection.js';

/** Bytes on the way to the other thread above which no more are sent before some have arrived. */
const MAX_UNDERWAY = 1024 * 1024;
/** Bytes after which the other thread is told that they arrived. */
const TOLD_AFTER = MAX_UNDERWAY / 4;

/** From either thread: bytes, or the count of bytes that arrived; then the end. */
type Word = Uint8Array | number | 'end' | 'close';

/** The bytes that one thread sends the other, and how many of them are underway. */
class Parcels {
  readonly #port: MessagePort;
  #underway = 0;
  #untold = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  get full(): boolean {
    return this.#underway > MAX_UNDERWAY;
  }

  /** The caller never looks at the bytes again: memory that is theirs alone changes threads, other is copied. */
  send(bytes: Uint8Array): void {
    this.#underway += bytes.length;
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes);
    this.#port.postMessage(own, [own.buffer as ArrayBuffer]);
  }

  /** So many bytes that were sent have arrived. */
  arrived(count: number): void {
    this.#underway -= count;
  }

  /** So many bytes of the other thread were taken here. */
  taken(count: number): void {
    this.#untold += count;
    if (this.#untold < TOLD_AFTER) return;
    this.#port.postMessage(this.#untold, []);
    this.#untold = 0;
  }
}

/** Carries the bytes of a socket to the thread that holds the other end of the port, and back, until either is gone. */
export function carry(socket: Duplex, port: MessagePort): void {
  const parcels = new Parcels(port);
  const bring = (chunk: Buffer): void => {
    parcels.send(chunk);
    if (parcels.full) socket.pause();
  };
  socket.on('data', bring);
  socket.once('close', () => {
    socket.off('data', bring);
    port.postMessage('close' satisfies Word, []);
  });
  port.on('message', (word: Word) => {
    if (word === 'end') endSocket(socket);
    else if (word === 'close') socket.destroy();
    else if (typeof word === 'number') {
      parcels.arrived(word);
      if (!parcels.full) socket.resume();
    } else if (socket.writable) socket.write(word, () => parcels.taken(word.length));
  });
  // The other thread is gone, or has said 'close'.
  port.once('close', () => socket.destroy());
  if (socket.destroyed) port.postMessage('close' satisfies Word, []);
}

/** The socket as the other thread has it. */
export class PortSocket extends Duplex {
  readonly #port: MessagePort;
  readonly #parcels: Parcels;
  #written: (() => void) | null = null;

  constructor(port: MessagePort) {
    super({ allowHalfOpen: false });
    this.#port = port;
    this.#parcels = new Parcels(port);
    port.on('message', (word: Word) => {
      if (word === 'close') this.destroy();
      else if (typeof word === 'number') this.#arrived(word);
      else if (word !== 'end') {
        this.push(word);
        this.#parcels.taken(word.length);
      }
    });
    port.once('close', () => this.destroy());
  }

  #arrived(count: number): void {
    this.#parcels.arrived(count);
    if (this.#parcels.full) return;
    const written = this.#written;
    this.#written = null;
    written?.();
  }

  override _read(): void {
    // Bytes come when they come.
  }

  override _write(bytes: Buffer, _encoding: string, written: () => void): void {
    this.#parcels.send(bytes);
    if (this.#parcels.full) this.#written = written;
    else written();
  }

  override _final(): void {
    // The socket is gone when all of it was written, and says so.
    this.#port.postMessage('end' satisfies Word, []);
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    this.#port.postMessage('close' satisfies Word, []);
    this.#port.close();
    destroyed(error);
  }
}
