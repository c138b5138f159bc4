// `PublicInflater` decompresses messages (RFC 7692 7.2.2) with the public zlib interface, which works on every platform.
// Each message is inflated separately, with the previous window as its dictionary.
import { constants, createInflateRaw, inflateRawSync, type InflateRaw, type ZlibOptions } from 'node:zlib';
import { violationError, type WebSocketError } from '../../errors/violations.js';
import { LATER, type Inflater } from '../../extensions/transform.js';
import { Violation } from '../../spec/violation.js';
import { History } from './history.js';
import type { Budget } from './budget.js';
import { joined } from '../values.js';
import { AT_ONCE, LIGHT_INFLATION, TAIL } from './limits.js';
import { exactCopy, mostInflated } from './output.js';
import { corruptData, type Deliver, type Result } from './result.js';
import { ShortJob } from './short-job.js';
import { StreamJob } from './stream-job.js';
import { turns } from './turns.js';
import type { ZlibError } from './zlib-handle.js';

/** The answer of inflateRawSync with `info: true`. */
interface Inflation {
  readonly buffer: Buffer;
  readonly engine: InflateRaw;
}

/** Inflates the messages of one connection. */
export class PublicInflater implements Inflater {
  readonly #budget: Budget;
  readonly #options: ZlibOptions;
  readonly #history: History;
  readonly #takeover: boolean;
  readonly #concurrencyLimit: number;
  readonly #deliver: Deliver;
  /** The length of the previous message, as an estimate for the next one. */
  #lastLength = 0;
  #job: StreamJob | ShortJob | undefined;

  /** @param options zlib's parameters; windowBits is given */
  constructor(options: ZlibOptions, takeover: boolean, concurrencyLimit: number, deliver: Deliver, budget: Budget) {
    this.#budget = budget;
    this.#options = { ...options, finishFlush: constants.Z_SYNC_FLUSH };
    this.#history = new History(options);
    this.#takeover = takeover;
    this.#concurrencyLimit = concurrencyLimit;
    this.#deliver = deliver;
  }

  inflate(payload: Uint8Array, maxLength: number): Result | typeof LATER {
    const input = joined([payload, TAIL]);
    const isLight = Math.max(payload.length, this.#lastLength) <= LIGHT_INFLATION;
    if (payload.length <= AT_ONCE && !this.#budget.isSpent && (isLight || turns.isIdle)) {
      return this.#inflateShort(input, maxLength);
    }
    if (!isLight) return this.#wait(input, this.#optionsNow(), maxLength);
    this.#job = new ShortJob(() => this.#inflateShort(input, maxLength), this.#deliver);
    return LATER;
  }

  close(): void {
    this.#job?.close();
    this.#job = undefined;
    this.#history.clear();
  }

  #optionsNow(): ZlibOptions {
    return { ...this.#options, dictionary: this.#history.window };
  }

  #inflateShort(input: Uint8Array, maxLength: number): Result | typeof LATER {
    const options = this.#optionsNow();
    const since = this.#budget.now();
    // zlib needs room for at least one byte.
    const room = Math.max(1, Math.min(AT_ONCE, maxLength));
    try {
      const { buffer, engine } = inflateRawSync(input, {
        ...options,
        maxOutputLength: room,
        info: true,
      }) as unknown as Inflation;
      // zlib returns a part of its allocated memory, with other bytes in the rest.
      return this.#judge(exactCopy(buffer, buffer.length), input.length - engine.bytesWritten, maxLength);
    } catch (error) {
      const { code } = error as ZlibError;
      if (code !== 'ERR_BUFFER_TOO_LARGE') return corruptData(error as ZlibError);
      return room < AT_ONCE ? violationError(Violation.MessageTooBig) : this.#wait(input, options, maxLength);
    } finally {
      this.#budget.charge(since);
    }
  }

  #wait(input: Uint8Array, options: ZlibOptions, maxLength: number): typeof LATER {
    this.#job = new StreamJob({
      open: () => createInflateRaw({ ...options, chunkSize: AT_ONCE }),
      input,
      maxLength,
      most: mostInflated(input.length),
      large: true,
      concurrencyLimit: this.#concurrencyLimit,
      deliver: (result, read) => {
        this.#job = undefined;
        this.#deliver(ArrayBuffer.isView(result) ? this.#judge(result, input.length - read, maxLength) : result);
      },
    });
    return LATER;
  }

  #judge(message: Buffer, left: number, maxLength: number): Buffer | WebSocketError {
    this.#lastLength = message.length;
    if (message.length > maxLength) return violationError(Violation.MessageTooBig);
    // RFC 7692 7.2.3.4: input is left over where a final block ended, and the next message begins with an empty window.
    if (left > 0) this.#history.clear();
    else if (this.#takeover) this.#history.append(message);
    return message;
  }
}
