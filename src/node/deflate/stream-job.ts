// One long payload turned into its compressed or decompressed form by a public zlib stream, which works in the thread pool.
import type { DeflateRaw, InflateRaw } from 'node:zlib';
import { violationError, type WebSocketError } from '../../errors/violations.js';
import { Violation } from '../../spec/violation.js';
import { corruptData } from './result.js';
import { Turn, turns, type Job } from './turns.js';
import type { ZlibError } from './zlib-handle.js';

/** What a stream is to do. */
export interface StreamTask {
  readonly stream: InflateRaw | DeflateRaw;
  readonly input: Uint8Array;
  /** The longest output allowed, in octets. */
  readonly maxLength: number;
  /** Whether its output counts as large: that of an inflation, whose length nobody knows before. */
  readonly large: boolean;
  readonly concurrencyLimit: number;
  /** Takes the output, or the error, and the number of input octets that zlib had read. */
  readonly deliver: (result: Buffer | WebSocketError, read: number) => void;
}

/** A task's place in the queue and its output so far. */
export class StreamJob implements Job {
  readonly concurrencyLimit: number;
  readonly #task: StreamTask;
  readonly #parts: Buffer[] = [];
  #length = 0;
  #settled = false;
  #result: Buffer | WebSocketError | undefined;

  constructor(task: StreamTask) {
    this.#task = task;
    this.concurrencyLimit = task.concurrencyLimit;
    turns.enter(this);
  }

  step(): Turn {
    const { stream, input, large } = this.#task;
    if (large && !turns.claimLarge(this)) return Turn.Blocked;
    stream.on('data', (part: Buffer) => {
      this.#parts.push(part);
      this.#length += part.length;
      if (this.#length > this.#task.maxLength) this.#end(violationError(Violation.MessageTooBig));
    });
    // B03: this listener stays, so that an error which zlib reports after the end finds it.
    stream.on('error', (error: ZlibError) => this.#end(corruptData(error)));
    stream.on('end', () => this.#end(Buffer.concat(this.#parts, this.#length)));
    stream.end(input);
    return Turn.Elsewhere;
  }

  settle(): void {
    this.#task.deliver(this.#result!, this.#task.stream.bytesWritten);
  }

  /** Drops the result that was still to come and gives the memory back. */
  close(): void {
    this.#settled = true;
    this.#parts.length = 0;
    this.#task.stream.destroy();
    turns.leave(this);
  }

  #end(result: Buffer | WebSocketError): void {
    if (this.#settled) return;
    this.close();
    this.#result = result;
    turns.done(this);
  }
}
