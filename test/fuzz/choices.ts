// Bytes of a fuzz input become a row of choices: each choice takes one byte, and past the end all are 255, so that
// nothing is done 'once in so many times' any more.
import { Random } from '../support/random.js';

export class Choices extends Random {
  private at = 0;

  constructor(private readonly program: Uint8Array) {
    super(0);
  }

  /** Whether every byte has been used. */
  get isDone(): boolean {
    return this.at >= this.program.length;
  }

  override next(): number {
    const octet = this.program[this.at++] ?? 0xff;
    return (octet * 0x01010101) >>> 0;
  }

  override octets(length: number): Uint8Array {
    const octets = this.program.slice(this.at, this.at + length);
    this.at += length;
    return octets.length === length ? octets : new Uint8Array(length);
  }
}
