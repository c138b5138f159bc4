// `PortSocket` is a socket of another thread, for which `carry` carries the bytes over a port.

import { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import { endSocket } from './connection.js';

/** The bytes underway to the other thread above which no more leave until some have arrived. */
const MAX_UNDERWAY = 1024 * 1024;
/** The received bytes after which a thread confirms them. */
const TOLD_AFTER = MAX_UNDERWAY / 4;

/** A message of either thread: bytes, the number of bytes that arrived, or the end. */
type Word = Uint8Array | number | 'end' | 'close';

/** The bytes that one thread sends to the other, and the number of those underway. */
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

  /** Sends bytes, which the caller never uses again: moves memory that they fill to the other thread, or else copies them. */
  send(bytes: Uint8Array): void {
    this.#underway += bytes.length;
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes);
    this.#port.postMessage(own, [own.buffer as ArrayBuffer]);
  }

  /** Notes that `count` sent bytes have arrived. */
  arrived(count: number): void {
    this.#underway -= count;
  }

  /** Notes that this thread has taken `count` bytes of the other one. */
  taken(count: number): void {
    this.#untold += count;
    if (this.#untold < TOLD_AFTER) return;
    this.#port.postMessage(this.#untold, []);
    this.#untold = 0;
  }
}

/** Carries bytes between a socket and the thread with the other end of the port, until either ends. */
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
  // The other thread has ended, or has sent 'close'.
  port.once('close', () => socket.destroy());
  if (socket.destroyed) port.postMessage('close' satisfies Word, []);
}

/** The socket in the other thread. */
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
    // The port pushes bytes when they arrive.
  }

  override _write(bytes: Buffer, _encoding: string, written: () => void): void {
    this.#parcels.send(bytes);
    if (this.#parcels.full) this.#written = written;
    else written();
  }

  override _final(): void {
    // The socket ends once everything is written, and its thread then sends 'close'.
    this.#port.postMessage('end' satisfies Word, []);
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    this.#port.postMessage('close' satisfies Word, []);
    this.#port.close();
    destroyed(error);
  }
}
