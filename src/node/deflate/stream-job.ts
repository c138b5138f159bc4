// `StreamJob` compresses or decompresses one long payload with a public zlib stream, in the thread pool.
import type { DeflateRaw, InflateRaw } from 'node:zlib';
import { violationError, type WebSocketError } from '../../errors/violations.js';
import { Violation } from '../../spec/violation.js';
import { budget } from './budget.js';
import { Output, release } from './output.js';
import { corruptData } from './result.js';
import { Turn, turns, type Job } from './turns.js';
import type { ZlibError } from './zlib-handle.js';

/** The task of a stream. */
export interface StreamTask {
  /** Creates the stream when its turn has come: a waiting task holds neither zlib state nor a buffer for output. */
  readonly open: () => InflateRaw | DeflateRaw;
  readonly input: Uint8Array;
  /** The longest output allowed, in bytes. */
  readonly maxLength: number;
  /** The most bytes of output that the input can make. */
  readonly most: number;
  /** Whether its output counts as large: that of an inflation, whose length is unknown beforehand. */
  readonly large: boolean;
  readonly concurrencyLimit: number;
  /** Takes the output, or the error, and the number of input bytes that zlib had read. */
  readonly deliver: (result: Buffer | WebSocketError, read: number) => void;
}

/** A task's place in the queue and its output so far. */
export class StreamJob implements Job {
  readonly concurrencyLimit: number;
  readonly isShort = false;
  readonly #task: StreamTask;
  #stream: InflateRaw | DeflateRaw | undefined;
  #output: Output | undefined;
  #settled = false;
  #result: Buffer | WebSocketError | undefined;

  constructor(task: StreamTask) {
    this.#task = task;
    this.concurrencyLimit = task.concurrencyLimit;
    turns.enter(this);
  }

  step(): Turn {
    const { open, input, maxLength, most, large } = this.#task;
    if (large && !turns.claimLarge(this)) return Turn.Blocked;
    const since = budget.now();
    const stream = (this.#stream = open());
    this.#output = new Output(new Uint8Array(0), Math.min(maxLength + 1, most));
    stream.on('data', (part: Buffer) => this.#add(part));
    // B03: this listener stays, so that an error which zlib reports after the end finds a listener.
    stream.on('error', (error: ZlibError) => this.#end(corruptData(error)));
    stream.on('end', () => {
      if (this.#output === undefined) return;
      const output = this.#output.take(0);
      this.#output = undefined;
      this.#end(output);
    });
    stream.end(input);
    budget.charge(since);
    return Turn.Elsewhere;
  }

  settle(): void {
    this.#task.deliver(this.#result!, this.#stream!.bytesWritten);
  }

  /** Drops the pending result and releases the memory. */
  close(): void {
    this.#settled = true;
    this.#output?.discard();
    this.#output = undefined;
    this.#stream?.destroy();
    turns.leave(this);
  }

  #add(part: Buffer): void {
    if (this.#output === undefined) return;
    const hasRoom = this.#output.append(part);
    // B01: the stream never writes again to a buffer that it has given away whole, which can be released at once.
    if (part.length === part.buffer.byteLength) release(part);
    if (!hasRoom || this.#output.length > this.#task.maxLength) this.#end(violationError(Violation.MessageTooBig));
  }

  #end(result: Buffer | WebSocketError): void {
    if (this.#settled) return;
    this.close();
    this.#result = result;
    turns.done(this);
  }
}
