// `HandleDeflater` compresses messages (RFC 7692 7.2.1) with a zlib handle: at once where time allows, else in the thread pool.
import { constants } from 'node:zlib';
import { violationError } from '../../errors/violations.js';
import { LATER, type Deflater } from '../../extensions/transform.js';
import { Violation } from '../../spec/violation.js';
import type { Budget } from './budget.js';
import type { HandleSupply } from './handle-supply.js';
import type { History } from './history.js';
import { keptHandles, type Keeper } from './kept-handles.js';
import { AT_ONCE, EMPTY_MESSAGE, LIGHT_DEFLATION, STEP_INPUT, STEP_OUTPUT, TAIL } from './limits.js';
import { exactCopy, mostDeflated, Output, scratchOutput } from './output.js';
import { corruptData, type Deliver, type Result } from './result.js';
import { Turn, turns, type Job } from './turns.js';
import type { ZlibHandle } from './zlib-handle.js';

const EMPTY = new Uint8Array(0);

/** The compressed form of an empty payload, without zlib: a flush with nothing to flush produces no tail. */
export function deflatedEmpty(final: boolean): Uint8Array {
  return final ? Uint8Array.of(EMPTY_MESSAGE) : new Uint8Array(0);
}

/** Compresses the messages of one connection. Its context survives the handle, as a copy of the last sent bytes. */
export class HandleDeflater implements Deflater, Job, Keeper {
  readonly concurrencyLimit: number;
  /** Whether the message takes only a moment, in this thread, whatever else waits. */
  isShort = true;
  readonly #budget: Budget;
  readonly #supply: HandleSupply;
  readonly #history: History | undefined;
  readonly #deliver: Deliver;
  #handle: ZlibHandle | undefined;
  /** The part of the payload that waits to be compressed, and the output so far. */
  #rest: Uint8Array = EMPTY;
  #output: Output | undefined;
  #final = false;
  #result: Result = EMPTY;

  /** @param history keeps the bytes that later messages may refer to; undefined without context takeover */
  constructor(
    supply: HandleSupply,
    history: History | undefined,
    concurrencyLimit: number,
    deliver: Deliver,
    budget: Budget,
  ) {
    this.#budget = budget;
    this.#supply = supply;
    this.#history = history;
    this.concurrencyLimit = concurrencyLimit;
    this.#deliver = deliver;
  }

  deflate(payload: Uint8Array, final: boolean): Result | typeof LATER {
    if (payload.length === 0) {
      if (this.#handle !== undefined) this.#finish(final);
      return deflatedEmpty(final);
    }
    this.#final = final;
    this.isShort = payload.length <= LIGHT_DEFLATION;
    let rest = payload;
    if (payload.length <= AT_ONCE && !this.#budget.isSpent && (this.isShort || turns.isIdle)) {
      const result = this.#begin(payload);
      if (result !== LATER) return result;
      rest = this.#rest;
      this.isShort = false;
    }
    // The caller may write to its own memory after the return.
    this.#rest = exactCopy(rest, rest.length);
    turns.enter(this);
    return LATER;
  }

  learn(payload: Uint8Array): void {
    // Before its own first message there is nothing to refer to: the window starts with this message.
    if (this.#history === undefined || this.#history.isEmpty) return;
    this.#history.append(payload);
    this.#drop();
  }

  close(): void {
    turns.leave(this);
    this.#drop();
    this.#history?.clear();
  }

  letGo(): void {
    this.#handle!.close();
    this.#handle = undefined;
  }

  step(): Turn {
    if (this.#output === undefined) {
      if (this.isShort) {
        const result = this.#begin(this.#rest);
        if (result !== LATER) return this.#settleWith(result);
        this.isShort = false;
        return Turn.Again;
      }
      this.#handle ??= this.#open();
      keptHandles.drop(this);
      this.#history?.append(this.#rest);
      this.#output = new Output(EMPTY, mostDeflated(this.#rest.length));
    }
    return this.#goOn(this.#output);
  }

  settle(): void {
    const result = this.#result;
    this.#result = EMPTY;
    this.#deliver(result);
  }

  /** Compresses a payload until it is done, its output needs more room, or the time of the turn is used up. */
  #begin(payload: Uint8Array): Result | typeof LATER {
    let since = this.#budget.now();
    const handle = (this.#handle ??= this.#open());
    this.#history?.append(payload);
    const scratch = scratchOutput();
    let read = 0;
    let length = 0;
    do {
      const end = Math.min(read + STEP_INPUT, payload.length);
      const flush = end === payload.length ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
      const error = handle.write(flush, payload, read, end, scratch, length, scratch.length - length);
      since = this.#budget.charge(since);
      if (error !== undefined) return this.#fail(corruptData(error));
      read = end - handle.inputLeft;
      length = scratch.length - handle.outputLeft;
      if (read === payload.length && handle.outputLeft > 0) {
        this.#finish(this.#final);
        return exactCopy(scratch, this.#final ? length - TAIL.length : length);
      }
    } while (handle.outputLeft > 0 && !this.#budget.isSpent);
    keptHandles.drop(this);
    this.#rest = payload.subarray(read);
    this.#output = new Output(scratch.subarray(0, length), length + mostDeflated(this.#rest.length));
    return LATER;
  }

  /** Makes a thread of the pool compress a part of the rest. */
  #goOn(output: Output): Turn {
    const end = Math.min(this.#rest.length, AT_ONCE);
    const flush = end === this.#rest.length ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
    const room = Math.min(output.room(), STEP_OUTPUT);
    if (room === 0) return this.#settleWith(this.#fail(violationError(Violation.MessageTooBig)));
    this.#handle!.writeLater(flush, this.#rest, end, output.buffer, output.length, room, (error) => {
      if (error !== undefined) this.#result = this.#fail(corruptData(error));
      else if (!this.#hasAll(output, end, room)) return turns.goOn(this);
      turns.done(this);
    });
    return Turn.Elsewhere;
  }

  /** Counts the input and output of a write; returns whether it was the last. */
  #hasAll(output: Output, end: number, room: number): boolean {
    const { inputLeft, outputLeft } = this.#handle!;
    output.length += room - outputLeft;
    this.#rest = this.#rest.subarray(end - inputLeft);
    if (this.#rest.length > 0 || outputLeft === 0) return false;
    this.#finish(this.#final);
    this.#result = output.take(this.#final ? TAIL.length : 0);
    return true;
  }

  #open(): ZlibHandle {
    if (this.#history === undefined) return this.#supply.take();
    keptHandles.makeRoom();
    return this.#supply.make(this.#history.window);
  }

  #finish(final: boolean): void {
    this.#rest = EMPTY;
    this.#output = undefined;
    if (this.#history !== undefined) {
      keptHandles.keep(this);
    } else if (final) {
      this.#supply.give(this.#handle!);
      this.#handle = undefined;
    }
  }

  #fail(error: Result): Result {
    this.#drop();
    return error;
  }

  #drop(): void {
    keptHandles.drop(this);
    const output = this.#output;
    this.#handle?.close(() => output?.discard());
    this.#handle = undefined;
    this.#output = undefined;
    this.#rest = EMPTY;
    this.#result = EMPTY;
  }

  #settleWith(result: Result): Turn {
    this.#result = result;
    return Turn.Done;
  }
}
