// Writes and reads one frame header, bit by bit as RFC 6455 5.2 draws it: what the header writers must equal.

export interface NaiveHeader {
  fin: boolean;
  /** The RSV bits where they stand on the wire: 0x70. */
  rsv: number;
  opcode: number;
  /** Four bytes, or none where the frame is not masked. */
  key: Uint8Array | undefined;
  /** The payload's length, in bytes. */
  length: bigint;
}

/** How many bytes of extended length a number is written in. */
export type LengthForm = 0 | 2 | 8;

/** The bytes of a header; `form` writes the length in more bytes than it needs. */
export function naiveEncodeHeader(header: NaiveHeader, form: LengthForm = shortestForm(header.length)): Uint8Array {
  const extended = form === 0 ? '' : header.length.toString(16).padStart(2 * form, '0');
  const length7 = form === 0 ? Number(header.length) : form === 2 ? 126 : 127;
  return Uint8Array.of(
    (header.fin ? 128 : 0) + header.rsv + header.opcode,
    (header.key ? 128 : 0) + length7,
    ...Buffer.from(extended, 'hex'),
    ...(header.key ?? []),
  );
}

/** The header that `octets` begins with, and its size; undefined if it is not whole. */
export function naiveDecodeHeader(octets: Uint8Array): { header: NaiveHeader; size: number } | undefined {
  const [first, second] = octets;
  const length7 = second & 127;
  const extended = length7 === 126 ? 2 : length7 === 127 ? 8 : 0;
  const keyAt = 2 + extended;
  const size = keyAt + (second >= 128 ? 4 : 0);
  if (octets.length < 2 || octets.length < size) {
    return undefined;
  }
  const length = extended === 0 ? BigInt(length7) : BigInt(`0x${Buffer.from(octets.slice(2, keyAt)).toString('hex')}`);
  const key = second >= 128 ? octets.slice(keyAt, size) : undefined;
  return { header: { fin: first >= 128, rsv: first & 0x70, opcode: first & 15, key, length }, size };
}

function shortestForm(length: bigint): LengthForm {
  return length < 126n ? 0 : length < 65_536n ? 2 : 8;
}
