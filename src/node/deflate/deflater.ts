// `HandleDeflater` compresses messages (RFC 7692 7.2.1) with a zlib handle: short ones at once, the others in steps.
import { constants } from 'node:zlib';
import { violationError } from '../../errors/violations.js';
import { LATER, type Deflater } from '../../extensions/transform.js';
import { Violation } from '../../spec/violation.js';
import type { Budget } from './budget.js';
import type { HandleSupply } from './handle-supply.js';
import type { History } from './history.js';
import { keptHandles, type Keeper } from './kept-handles.js';
import { AT_ONCE, EMPTY_MESSAGE, STEP_INPUT, STEP_OUTPUT, TAIL } from './limits.js';
import { exactCopy, mostDeflated, Output, scratchOutput } from './output.js';
import { corruptData, type Deliver, type Result } from './result.js';
import { Turn, turns, type Job } from './turns.js';
import type { ZlibHandle } from './zlib-handle.js';

const EMPTY = new Uint8Array(0);

/** What an empty payload is compressed to, without asking zlib: a flush that has nothing to flush gives no tail. */
export function deflatedEmpty(final: boolean): Uint8Array {
  return final ? Uint8Array.of(EMPTY_MESSAGE) : new Uint8Array(0);
}

/** Compresses the messages of one connection. Its context outlives its handle, as a copy of what it sent last. */
export class HandleDeflater implements Deflater, Job, Keeper {
  readonly concurrencyLimit: number;
  /** Whether the message is short enough to be compressed at once, where there is time. */
  isShort = true;
  readonly #budget: Budget;
  readonly #supply: HandleSupply;
  readonly #history: History | undefined;
  readonly #deliver: Deliver;
  #handle: ZlibHandle | undefined;
  /** The rest of the payload that waits to be compressed, and what has come of it so far. */
  #rest: Uint8Array = EMPTY;
  #output: Output | undefined;
  #final = false;
  #result: Result = EMPTY;

  /** @param history keeps what later messages may refer to; undefined without context takeover */
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
    this.isShort = payload.length <= AT_ONCE;
    let rest = payload;
    if (this.isShort && !this.#budget.isSpent) {
      const result = this.#begin(payload);
      if (result !== LATER) return result;
      rest = this.#rest;
    }
    // The caller may write to its own memory as soon as this returns.
    this.#rest = exactCopy(rest, rest.length);
    turns.enter(this);
    return LATER;
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
      const result = this.#begin(this.#rest);
      return result === LATER ? Turn.Again : this.#settleWith(result);
    }
    const since = this.#budget.now();
    const turn = this.#goOn(this.#output);
    this.#budget.charge(since);
    return turn;
  }

  settle(): void {
    const result = this.#result;
    this.#result = EMPTY;
    this.#deliver(result);
  }

  /** Compresses a payload until it is done, there is no more room for its output, or the turn has no more time. */
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

  #goOn(output: Output): Turn {
    const handle = this.#handle!;
    const end = Math.min(this.#rest.length, STEP_INPUT);
    const flush = end === this.#rest.length ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
    const room = Math.min(output.room(), STEP_OUTPUT);
    if (room === 0) return this.#settleWith(this.#fail(violationError(Violation.MessageTooBig)));
    const error = handle.write(flush, this.#rest, 0, end, output.buffer, output.length, room);
    if (error !== undefined) return this.#settleWith(this.#fail(corruptData(error)));
    output.length += room - handle.outputLeft;
    this.#rest = this.#rest.subarray(end - handle.inputLeft);
    if (this.#rest.length > 0 || handle.outputLeft === 0) return Turn.Again;
    this.#finish(this.#final);
    return this.#settleWith(output.take(this.#final ? TAIL.length : 0));
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
    this.#handle?.close();
    this.#output?.discard();
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
