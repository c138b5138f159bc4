// `PublicDeflater` compresses messages (RFC 7692 7.2.1) with the public zlib interface, which works on every platform.
// Each payload is compressed separately, with the previous window as its dictionary.
import { constants, createDeflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';
import { LATER, type Deflater } from '../../extensions/transform.js';
import type { Budget } from './budget.js';
import { deflatedEmpty } from './deflater.js';
import { History } from './history.js';
import { AT_ONCE, LIGHT_DEFLATION, TAIL } from './limits.js';
import { exactCopy, mostDeflated } from './output.js';
import type { Deliver, Result } from './result.js';
import { ShortJob } from './short-job.js';
import { StreamJob } from './stream-job.js';
import { turns } from './turns.js';

/** Compresses the messages of one connection. */
export class PublicDeflater implements Deflater {
  readonly #budget: Budget;
  readonly #options: ZlibOptions;
  readonly #history: History;
  readonly #takeover: boolean;
  readonly #concurrencyLimit: number;
  readonly #deliver: Deliver;
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

  deflate(payload: Uint8Array, final: boolean): Result | typeof LATER {
    if (payload.length === 0) {
      this.#remember(payload, final);
      return deflatedEmpty(final);
    }
    const isLight = payload.length <= LIGHT_DEFLATION;
    if (payload.length <= AT_ONCE && !this.#budget.isSpent && (isLight || turns.isIdle)) {
      return this.#deflateShort(payload, final);
    }
    if (isLight) {
      const copy = exactCopy(payload, payload.length);
      this.#job = new ShortJob(() => this.#deflateShort(copy, final), this.#deliver);
      return LATER;
    }
    const options = { ...this.#options, dictionary: this.#history.window };
    const cut = final ? TAIL.length : 0;
    // A copy: the history changes before the stream is created.
    const dictionary = options.dictionary && exactCopy(options.dictionary, options.dictionary.length);
    this.#job = new StreamJob({
      open: () => createDeflateRaw({ ...options, dictionary, chunkSize: AT_ONCE }),
      input: exactCopy(payload, payload.length),
      maxLength: Infinity,
      most: mostDeflated(payload.length),
      large: false,
      concurrencyLimit: this.#concurrencyLimit,
      deliver: (result) => {
        this.#job = undefined;
        this.#deliver(ArrayBuffer.isView(result) ? result.subarray(0, result.length - cut) : result);
      },
    });
    this.#remember(payload, final);
    return LATER;
  }

  #deflateShort(payload: Uint8Array, final: boolean): Result {
    const since = this.#budget.now();
    const deflated = deflateRawSync(payload, { ...this.#options, dictionary: this.#history.window });
    this.#remember(payload, final);
    this.#budget.charge(since);
    return deflated.subarray(0, deflated.length - (final ? TAIL.length : 0));
  }

  learn(payload: Uint8Array): void {
    if (this.#takeover && !this.#history.isEmpty) this.#history.append(payload);
  }

  /** A fragment that is not the last leaves its context to the next one, whatever was agreed between messages. */
  #remember(payload: Uint8Array, final: boolean): void {
    if (this.#takeover || !final) this.#history.append(payload);
    else this.#history.clear();
  }

  close(): void {
    this.#job?.close();
    this.#job = undefined;
    this.#history.clear();
  }
}
