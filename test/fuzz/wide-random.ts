// A seed of 64 bits becomes a row of choices far longer than any run: sfc32, whose state is 128 bits wide.
import { Random } from '../support/random.js';

export class WideRandom extends Random {
  private a: number;
  private b: number;
  private c: number;
  private count = 1;

  constructor(seed: number, batch: number) {
    super(seed);
    this.a = 0x9e3779b9;
    this.b = seed | 0;
    this.c = batch | 0;
    for (let round = 0; round < 12; round++) this.next();
  }

  override next(): number {
    const sum = (((this.a + this.b) | 0) + this.count) | 0;
    this.count = (this.count + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  override octets(length: number): Uint8Array {
    const octets = new Uint8Array(length);
    for (let at = 0; at < length; at += 4) {
      const word = this.next();
      octets[at] = word;
      octets[at + 1] = word >>> 8;
      octets[at + 2] = word >>> 16;
      octets[at + 3] = word >>> 24;
    }
    return octets;
  }
}
