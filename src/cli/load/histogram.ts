// `Histogram` counts durations in buckets that are at most 1/128 of their value wide, in memory that does not grow.

/** The number of buckets in an octave, which is from 2^n to 2^(n + 1). */
const IN_OCTAVE = 128;
const OCTAVE_BITS = 7;
/** The longest duration, 2^43 ns or 2.4 hours; longer ones count as this one. */
const LONGEST = 2 ** 43 - 1;
const BUCKETS = (43 - OCTAVE_BITS + 1) * IN_OCTAVE;
/** Beyond 31 bits, a value is divided by 2^20 first. */
const COARSE_BITS = 20;
const COARSE_FROM = 2 ** 31;

/** A histogram as plain values, which threads can post. */
export interface PackedHistogram {
  /** The counts of the buckets from that of `min` to that of `max`. */
  readonly counts: Float64Array;
  readonly total: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** The percentiles in reports. */
export const PERCENTILES = [50, 90, 99, 99.9, 99.99] as const;

/** Counts durations in ns. Percentiles are accurate to 0.4 %; `min`, `max` and `mean` are exact. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  total = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  /** Counts a duration, in ns, `times` times. */
  record(duration: number, times: number): void {
    const value = duration < 0 ? 0 : duration > LONGEST ? LONGEST : duration;
    this.#counts[bucketOf(value)] += times;
    this.total += times;
    this.#sum += value * times;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** The shortest duration; 0 without any. */
  get min(): number {
    return this.total === 0 ? 0 : this.#min;
  }

  get max(): number {
    return this.#max;
  }

  get mean(): number {
    return this.total === 0 ? 0 : this.#sum / this.total;
  }

  /** Returns the duration that `percent` of all do not exceed; 0 without any. */
  percentile(percent: number): number {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.total - 1e-9));
    if (rank >= this.total) return this.max;
    let below = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      below += this.#counts[bucket];
      if (below >= rank) return Math.min(this.max, Math.max(this.min, middleOf(bucket)));
    }
    return this.max;
  }

  /** Returns the middle and the count of each bucket that is not empty, in ascending order. */
  buckets(): [middle: number, count: number][] {
    const list: [number, number][] = [];
    this.#counts.forEach((count, bucket) => {
      if (count > 0) list.push([middleOf(bucket), count]);
    });
    return list;
  }

  /** Adds the counts of another histogram. */
  add({ counts, total, sum, min, max }: PackedHistogram): void {
    const first = bucketOf(min);
    counts.forEach((count, at) => (this.#counts[first + at] += count));
    this.total += total;
    this.#sum += sum;
    if (total > 0) this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
  }

  pack(): PackedHistogram {
    const counts =
      this.total === 0 ? new Float64Array(0) : this.#counts.slice(bucketOf(this.min), bucketOf(this.max) + 1);
    return { counts, total: this.total, sum: this.#sum, min: this.min, max: this.max };
  }

  clear(): void {
    this.#counts.fill(0);
    this.total = this.#sum = this.#max = 0;
    this.#min = Number.POSITIVE_INFINITY;
  }
}

/** Returns the bucket of a value from 0 to LONGEST: below 256 the value, above by its octave and first 8 bits. */
function bucketOf(value: number): number {
  if (value >= COARSE_FROM) return bucketOf(value / 2 ** COARSE_BITS) + COARSE_BITS * IN_OCTAVE;
  if (value < 2 * IN_OCTAVE) return value | 0;
  const octave = 31 - OCTAVE_BITS - Math.clz32(value);
  return octave * IN_OCTAVE + (value >>> octave);
}

/** Returns the middle of a bucket's values. */
function middleOf(bucket: number): number {
  if (bucket < 2 * IN_OCTAVE) return bucket;
  const octave = (bucket >> OCTAVE_BITS) - 1;
  return (bucket - octave * IN_OCTAVE + 0.5) * 2 ** octave;
}
