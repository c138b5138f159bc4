// `maskFrames` masks a client's outgoing batch of whole frames, each with the key in its header (RFC 6455 5.3).
import { LENGTH_16, LENGTH_64, LENGTH_BITS } from '../src/spec/frame';
import { maskShortAndFindAscii } from './mask';

/** Masks the payloads of the frames in [at, end): all whole, with the MASK bit, and shorter than 2^31 bytes. */
export function maskFrames(at: usize, end: usize): void {
  while (at < end) {
    let length = (<i32>load<u8>(at, 1)) & LENGTH_BITS;
    at += 2;
    if (length == LENGTH_16) {
      length = <i32>bswap<u16>(load<u16>(at));
      at += 2;
    } else if (length == LENGTH_64) {
      length = <i32>bswap<u32>(load<u32>(at, 4));
      at += 8;
    }
    const key = load<i32>(at);
    at += 4;
    maskShortAndFindAscii(at, length, key);
    at += length;
  }
}
