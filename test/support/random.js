// A seed becomes the same endless row of choices on every machine (mulberry32), so that a failed run can be run again.
export class Random {
    seed;
    state;
    constructor(seed) {
        this.seed = seed;
        this.state = seed | 0;
    }
    /** 32 bits, as an unsigned number. */
    next() {
        this.state = (this.state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return (mixed ^ (mixed >>> 14)) >>> 0;
    }
    /** A whole number in [0, limit). */
    below(limit) {
        return Math.floor((this.next() / 2 ** 32) * limit);
    }
    /** A whole number in [from, to]. */
    between(from, to) {
        return from + this.below(to - from + 1);
    }
    /** True in one of `times` cases. */
    oneIn(times) {
        return this.below(times) === 0;
    }
    pick(choices) {
        return choices[this.below(choices.length)];
    }
    octets(length) {
        return Uint8Array.from({ length }, () => this.next() & 0xff);
    }
}
