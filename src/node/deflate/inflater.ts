// `HandleInflater` decompresses messages (RFC 7692 7.2.2) with a zlib handle: at once where time allows, else in the thread pool.
import { constants } from 'node:zlib';
import { violationError } from '../../errors/violations.js';
import { LATER, type Inflater } from '../../extensions/transform.js';
import { LARGE_OUTPUT } from '../../spec/limits.js';
import { Violation } from '../../spec/violation.js';
import type { Budget } from './budget.js';
import type { HandleSupply } from './handle-supply.js';
import { AT_ONCE, LIGHT_INFLATION, STEP_OUTPUT, TAIL } from './limits.js';
import { exactCopy, mostInflated, Output, scratchOutput } from './output.js';
import { corruptData, type Deliver, type Result } from './result.js';
import { Turn, turns, type Job } from './turns.js';
import type { ZlibHandle } from './zlib-handle.js';

const EMPTY = new Uint8Array(0);

// The message of this call with its tail. Bytes that are needed after the call are copied.
let joined: Uint8Array | undefined;

/** Inflates the messages of one connection. */
export class HandleInflater implements Inflater, Job {
  readonly concurrencyLimit: number;
  /** Whether the message is expected to take only a moment, in this thread, whatever else waits. */
  isShort = true;
  readonly #budget: Budget;
  readonly #supply: HandleSupply;
  readonly #takeover: boolean;
  readonly #deliver: Deliver;
  #handle: ZlibHandle | undefined;
  /** The part of the message that waits to be inflated, and the output so far. */
  #rest: Uint8Array = EMPTY;
  #output: Output | undefined;
  #maxLength = 0;
  /** The length of the previous message, as an estimate for the next one. */
  #lastLength = 0;
  /** Whether zlib has read any of this message, and whether it reached the end of a final block. */
  #begun = false;
  #ended = false;
  #result: Result = EMPTY;

  constructor(supply: HandleSupply, takeover: boolean, concurrencyLimit: number, deliver: Deliver, budget: Budget) {
    this.#budget = budget;
    this.#supply = supply;
    this.#takeover = takeover;
    this.concurrencyLimit = concurrencyLimit;
    this.#deliver = deliver;
  }

  inflate(payload: Uint8Array, maxLength: number): Result | typeof LATER {
    this.#maxLength = maxLength;
    this.isShort = Math.max(payload.length, this.#lastLength) <= LIGHT_INFLATION;
    const length = payload.length + TAIL.length;
    if (payload.length <= AT_ONCE && !this.#budget.isSpent && (this.isShort || turns.isIdle)) {
      joined ??= new Uint8Array(AT_ONCE + TAIL.length);
      joined.set(payload);
      joined.set(TAIL, payload.length);
      const result = this.#begin(joined, length);
      if (result !== LATER) return result;
      this.#rest = exactCopy(this.#rest, this.#rest.length);
      this.isShort = false;
    } else {
      const rest = Buffer.allocUnsafeSlow(length);
      rest.set(payload);
      rest.set(TAIL, payload.length);
      this.#rest = rest;
    }
    turns.enter(this);
    return LATER;
  }

  close(): void {
    turns.leave(this);
    this.#drop();
  }

  step(): Turn {
    if (this.#output === undefined) {
      if (this.isShort) {
        const result = this.#begin(this.#rest, this.#rest.length);
        if (result !== LATER) return this.#settleWith(result);
        this.isShort = false;
        return Turn.Again;
      }
      this.#handle ??= this.#open();
      this.#begun = false;
      this.#output = new Output(EMPTY, Math.min(this.#maxLength + 1, mostInflated(this.#rest.length)));
    }
    return this.#goOn(this.#output);
  }

  settle(): void {
    const result = this.#result;
    this.#result = EMPTY;
    this.#deliver(result);
  }

  /** Inflates one step of a message, the first `length` bytes of `input`, and counts the time. */
  #begin(input: Uint8Array, length: number): Result | typeof LATER {
    const since = this.#budget.now();
    const result = this.#inflateAtOnce(input, length);
    // The copy of the output is counted too: writing to fresh memory can take longer than zlib.
    this.#budget.charge(since);
    return result;
  }

  #inflateAtOnce(input: Uint8Array, length: number): Result | typeof LATER {
    const handle = (this.#handle ??= this.#open());
    this.#begun = false;
    const scratch = scratchOutput();
    const room = Math.min(scratch.length, this.#maxLength + 1);
    const { Z_SYNC_FLUSH } = constants;
    let error = handle.write(Z_SYNC_FLUSH, input, 0, length, scratch, 0, room);
    if (error === undefined && this.#isAtEnd(length, room)) {
      error = handle.write(Z_SYNC_FLUSH, input, 0, length, scratch, 0, room);
    }
    if (error !== undefined) return this.#fail(corruptData(error));
    const made = room - handle.outputLeft;
    if (made > this.#maxLength) return this.#fail(violationError(Violation.MessageTooBig));
    const read = length - handle.inputLeft;
    if (handle.outputLeft > 0) {
      this.#finish(made);
      return exactCopy(scratch, made);
    }
    this.#rest = input.subarray(read, length);
    this.#output = new Output(
      scratch.subarray(0, made),
      Math.min(this.#maxLength + 1, made + mostInflated(this.#rest.length)),
    );
    return LATER;
  }

  /** Makes a thread of the pool inflate a part of the rest. */
  #goOn(output: Output): Turn {
    // Only few of the messages that grow large grow at the same time.
    if (output.length >= LARGE_OUTPUT && !turns.claimLarge(this)) return Turn.Blocked;
    const end = Math.min(this.#rest.length, AT_ONCE);
    const room = Math.min(output.room(), STEP_OUTPUT, this.#maxLength + 1 - output.length);
    if (room === 0) return this.#settleWith(this.#fail(violationError(Violation.MessageTooBig)));
    const { Z_SYNC_FLUSH } = constants;
    this.#handle!.writeLater(Z_SYNC_FLUSH, this.#rest, end, output.buffer, output.length, room, (error) => {
      if (error !== undefined) this.#result = this.#fail(corruptData(error));
      else if (!this.#hasAll(output, end, room)) return turns.goOn(this);
      turns.done(this);
    });
    return Turn.Elsewhere;
  }

  /** Counts the input and output of a write; returns whether it was the last, or the message is refused. */
  #hasAll(output: Output, end: number, room: number): boolean {
    if (this.#isAtEnd(end, room)) return false;
    const { inputLeft, outputLeft } = this.#handle!;
    output.length += room - outputLeft;
    // RFC 6455 10.4: the output is counted as it comes, whatever the input announced.
    if (output.length > this.#maxLength) {
      this.#result = this.#fail(violationError(Violation.MessageTooBig));
      return true;
    }
    this.#rest = this.#rest.subarray(end - inputLeft);
    if (outputLeft === 0 || (this.#rest.length > 0 && !this.#ended)) return false;
    this.#finish(output.length);
    this.#result = output.take(0);
    return true;
  }

  /** Judges a finished write, of `end` bytes with room for `room`: true where it did nothing and has to be repeated. */
  #isAtEnd(end: number, room: number): boolean {
    const handle = this.#handle!;
    const { inputLeft, outputLeft } = handle;
    const isFirst = !this.#begun;
    this.#begun = true;
    // Deviation from RFC 7692 7.2.3.4: a final block (BFINAL) ends the message; blocks after it are ignored, as in ws
    // and zlib.inflateRawSync. The next message begins with an empty window, as does zlib's sender after such a block.
    this.#ended = inputLeft > 0 && outputLeft > 0;
    if (!isFirst || inputLeft !== end || outputLeft !== room) return false;
    // Deviation from ws (D12): a final block that ended with the tail of the message before leaves zlib at its
    // end, where it reads nothing; ws then gives an empty message and loses this one.
    handle.reset();
    return true;
  }

  #open(): ZlibHandle {
    return this.#takeover ? this.#supply.make() : this.#supply.take();
  }

  #finish(length: number): void {
    this.#lastLength = length;
    this.#rest = EMPTY;
    this.#output = undefined;
    if (this.#takeover) {
      if (this.#ended) this.#handle!.reset();
      return;
    }
    this.#supply.give(this.#handle!);
    this.#handle = undefined;
  }

  #fail(error: Result): Result {
    this.#drop();
    return error;
  }

  #drop(): void {
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
