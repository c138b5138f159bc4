// Messages turned into compressed messages (RFC 7692 7.2.1) over a zlib handle: short ones at once, long ones in steps.
import { constants } from 'node:zlib';
import { violationError } from '../../errors/violations.js';
import { LATER, type Deflater } from '../../extensions/transform.js';
import { Violation } from '../../spec/violation.js';
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
  constructor(supply: HandleSupply, history: History | undefined, concurrencyLimit: number, deliver: Deliver) {
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
    this.#handle ??= this.#begin();
    this.#history?.append(payload);
    this.#final = final;
    if (payload.length > AT_ONCE) {
      return this.#wait(exactCopy(payload, payload.length), EMPTY);
    }
    const scratch = scratchOutput();
    const error = this.#handle.write(constants.Z_SYNC_FLUSH, payload, 0, payload.length, scratch, 0, scratch.length);
    if (error !== undefined) return this.#fail(corruptData(error));
    const length = scratch.length - this.#handle.outputLeft;
    if (this.#handle.outputLeft === 0) return this.#wait(EMPTY, scratch);
    this.#finish(final);
    return exactCopy(scratch, final ? length - TAIL.length : length);
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
    const handle = this.#handle!;
    const output = this.#output!;
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

  settle(): void {
    const result = this.#result;
    this.#result = EMPTY;
    this.#deliver(result);
  }

  #begin(): ZlibHandle {
    if (this.#history === undefined) return this.#supply.take();
    keptHandles.makeRoom();
    return this.#supply.make(this.#history.window);
  }

  #wait(rest: Uint8Array, begun: Uint8Array): typeof LATER {
    keptHandles.drop(this);
    this.#rest = rest;
    this.#output = new Output(begun, begun.length + mostDeflated(rest.length));
    turns.enter(this);
    return LATER;
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
