// `HandleInflater` decompresses messages (RFC 7692 7.2.2) with a zlib handle: short ones at once, the others in steps.
import { constants } from 'node:zlib';
import { violationError } from '../../errors/violations.js';
import { LATER, type Inflater } from '../../extensions/transform.js';
import { Violation } from '../../spec/violation.js';
import type { Budget } from './budget.js';
import type { HandleSupply } from './handle-supply.js';
import { AT_ONCE, LARGE_OUTPUT, STEP_INPUT, STEP_OUTPUT, TAIL } from './limits.js';
import { exactCopy, mostInflated, Output, scratchOutput } from './output.js';
import { corruptData, type Deliver, type Result } from './result.js';
import { Turn, turns, type Job } from './turns.js';
import type { ZlibError, ZlibHandle } from './zlib-handle.js';

const EMPTY = new Uint8Array(0);

// The message of this call with its tail. What outlasts the call is copied.
let joined: Uint8Array | undefined;

/** Inflates the messages of one connection. */
export class HandleInflater implements Inflater, Job {
  readonly concurrencyLimit: number;
  /** Whether the message is, as far as is known, short enough to be inflated at once, where there is time. */
  isShort = true;
  readonly #budget: Budget;
  readonly #supply: HandleSupply;
  readonly #takeover: boolean;
  readonly #deliver: Deliver;
  #handle: ZlibHandle | undefined;
  /** The rest of the message that waits to be inflated, and what has come of it so far. */
  #rest: Uint8Array = EMPTY;
  #output: Output | undefined;
  #maxLength = 0;
  /** Whether zlib has read anything of this message, and whether it came to the end of a final block. */
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
    this.isShort = payload.length <= AT_ONCE;
    const length = payload.length + TAIL.length;
    if (this.isShort && !this.#budget.isSpent) {
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
      const result = this.#begin(this.#rest, this.#rest.length);
      if (result !== LATER) return this.#settleWith(result);
      this.isShort = false;
      return Turn.Again;
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

  /** Inflates a message, the first `length` bytes of `input`, as far as one step goes. */
  #begin(input: Uint8Array, length: number): Result | typeof LATER {
    const since = this.#budget.now();
    const handle = (this.#handle ??= this.#takeover ? this.#supply.make() : this.#supply.take());
    this.#begun = false;
    const scratch = scratchOutput();
    const room = Math.min(AT_ONCE, this.#maxLength + 1);
    const end = this.isShort ? length : STEP_INPUT;
    const error = this.#write(input, end, scratch, 0, room);
    if (error !== undefined) return this.#fail(corruptData(error));
    const made = room - handle.outputLeft;
    if (made > this.#maxLength) return this.#fail(violationError(Violation.MessageTooBig));
    const read = end - handle.inputLeft;
    if (handle.outputLeft > 0 && (read === length || this.#ended)) {
      this.#finish();
      const message = exactCopy(scratch, made);
      this.#budget.charge(since);
      return message;
    }
    this.#budget.charge(since);
    this.#rest = input.subarray(read, length);
    this.#output = new Output(
      scratch.subarray(0, made),
      Math.min(this.#maxLength + 1, made + mostInflated(this.#rest.length)),
    );
    return LATER;
  }

  #goOn(output: Output): Turn {
    const handle = this.#handle!;
    // B01: of what grows large, little grows at the same time.
    if (output.length >= LARGE_OUTPUT && !turns.claimLarge(this)) return Turn.Blocked;
    const end = Math.min(this.#rest.length, STEP_INPUT);
    const room = Math.min(output.room(), STEP_OUTPUT, this.#maxLength + 1 - output.length);
    if (room === 0) return this.#settleWith(this.#fail(violationError(Violation.MessageTooBig)));
    const error = this.#write(this.#rest, end, output.buffer, output.length, room);
    if (error !== undefined) return this.#settleWith(this.#fail(corruptData(error)));
    output.length += room - handle.outputLeft;
    // RFC 6455 10.4: the output is counted as it comes, whatever the input promised.
    if (output.length > this.#maxLength) return this.#settleWith(this.#fail(violationError(Violation.MessageTooBig)));
    this.#rest = this.#rest.subarray(end - handle.inputLeft);
    if (handle.outputLeft === 0 || (this.#rest.length > 0 && !this.#ended)) return Turn.Again;
    this.#finish();
    return this.#settleWith(output.take(0));
  }

  #write(input: Uint8Array, end: number, output: Uint8Array, at: number, room: number): ZlibError | undefined {
    const handle = this.#handle!;
    const { Z_SYNC_FLUSH } = constants;
    let error = handle.write(Z_SYNC_FLUSH, input, 0, end, output, at, room);
    if (!this.#begun && error === undefined && handle.inputLeft === end && handle.outputLeft === room) {
      // Deviation from ws: a final block that ended with the tail of the message before leaves zlib at its end, where it
      // reads nothing; ws then gives an empty message and loses this one.
      handle.reset();
      error = handle.write(Z_SYNC_FLUSH, input, 0, end, output, at, room);
    }
    this.#begun = true;
    // Deviation from RFC 7692 7.2.3.4: a final block (BFINAL) ends the message; other blocks behind it are not read, as in ws
    // and zlib.inflateRawSync. The next message begins with an empty window, as does zlib's sender after such a block.
    this.#ended = handle.inputLeft > 0 && handle.outputLeft > 0;
    return error;
  }

  #finish(): void {
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
