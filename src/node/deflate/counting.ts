// `countInflating` and `countDeflating` add the bytes before and after compression to a connection's statistics.
import type { Traffic } from '../../codec/statistics.js';
import type { Deflater, Inflater } from '../../extensions/transform.js';

/** An answer of a transform: bytes, an error, or LATER. */
type Answer = ReturnType<Inflater['inflate']>;
type Count = 'compressed' | 'uncompressed';

/** Counts the bytes of an answer that has bytes, and passes the answer on. */
export function noteResult<Result extends Answer>(traffic: Traffic | undefined, count: Count, result: Result): Result {
  if (traffic !== undefined && ArrayBuffer.isView(result)) traffic[count] += result.byteLength;
  return result;
}

/** An inflater whose messages are counted. */
export function countInflating(inflater: Inflater, traffic: Traffic): Inflater {
  return {
    inflate(payload, maxLength) {
      traffic.compressed += payload.length;
      return noteResult(traffic, 'uncompressed', inflater.inflate(payload, maxLength));
    },
    close: () => inflater.close(),
  };
}

/** A deflater whose frames are counted. */
export function countDeflating(deflater: Deflater, traffic: Traffic): Deflater {
  return {
    deflate(payload, final) {
      traffic.uncompressed += payload.length;
      return noteResult(traffic, 'compressed', deflater.deflate(payload, final));
    },
    learn: (payload) => deflater.learn?.(payload),
    close: () => deflater.close(),
  };
}
