// Writes one frame header as octets (RFC 6455 5.2). Assumes room for 14 octets.
import { LENGTH_16, LENGTH_64, MASK } from '../src/spec/frame';

/**
 * Writes a header at `at`: `first` is the octet of FIN, RSV bits and opcode, `length` the payload's octets (0 to
 * 2^53 - 1), and `key` the masking key, written if `masked` is not 0. Returns the octets written, 2 to 14.
 */
export function encodeHeader(at: usize, first: i32, masked: i32, length: f64, key: i32): i32 {
  const maskBit = masked ? MASK : 0;
  let size = 2;
  store<u8>(at, <u8>first);
  // RFC 6455 5.2: the length is written in the fewest octets that hold it.
  if (length < LENGTH_16) {
    store<u8>(at, <u8>(maskBit | (<i32>length)), 1);
  } else if (length < 0x10000) {
    store<u8>(at, <u8>(maskBit | LENGTH_16), 1);
    store<u16>(at, bswap<u16>(<u16>length), 2);
    size = 4;
  } else {
    store<u8>(at, <u8>(maskBit | LENGTH_64), 1);
    store<u64>(at, bswap<u64>(<u64>length), 2);
    size = 10;
  }
  if (masked) {
    store<i32>(at + size, key);
    size += 4;
  }
  return size;
}
