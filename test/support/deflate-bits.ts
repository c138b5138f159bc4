// `BitWriter` writes DEFLATE streams bit by bit, right ones and wrong ones, and `dynamicHeader` the code lengths of a block.

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

export class BitWriter {
  readonly #bytes: number[] = [];
  #bits = 0;

  /** Writes a number, lowest bit first. */
  put(value: number, length: number): this {
    for (let bit = 0; bit < length; bit++) {
      if (this.#bits % 8 === 0) this.#bytes.push(0);
      this.#bytes[this.#bytes.length - 1] |= ((value >>> bit) & 1) << (this.#bits % 8);
      this.#bits++;
    }
    return this;
  }

  /** Writes a Huffman code, highest bit first. */
  code(value: number, length: number): this {
    for (let bit = length - 1; bit >= 0; bit--) this.put((value >>> bit) & 1, 1);
    return this;
  }

  align(): this {
    return this.put(0, (8 - (this.#bits % 8)) % 8);
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** The canonical codes of some code lengths (RFC 1951 3.2.2); undefined where a symbol has none. */
export function codesOf(lengths: readonly number[]): ({ value: number; length: number } | undefined)[] {
  const codes: ({ value: number; length: number } | undefined)[] = lengths.map(() => undefined);
  let value = 0;
  for (let length = 1; length <= 15; length++) {
    value <<= 1;
    lengths.forEach((own, symbol) => {
      if (own === length) codes[symbol] = { value: value++, length };
    });
  }
  return codes;
}

/**
 * Writes the header of a dynamic block, its first three bits included, with code lengths as they are, without runs.
 * @param codeLengths the lengths of the code length code, by symbol; by default 0 to 15 have 4 bits each
 */
export function dynamicHeader(
  writer: BitWriter,
  literals: readonly number[],
  distances: readonly number[],
  isFinal: boolean = false,
  codeLengths: readonly number[] = Array.from({ length: 19 }, (_, symbol) => (symbol < 16 ? 4 : 0)),
): BitWriter {
  writer.put(isFinal ? 1 : 0, 1).put(2, 2);
  writer
    .put(literals.length - 257, 5)
    .put(distances.length - 1, 5)
    .put(15, 4);
  for (const symbol of ORDER) writer.put(codeLengths[symbol], 3);
  const codes = codesOf(codeLengths);
  for (const length of [...literals, ...distances]) {
    const code = codes[length];
    if (code !== undefined) writer.code(code.value, code.length);
  }
  return writer;
}
