// `maskingKeys` draws a fresh masking key for each frame from a secure random source (RFC 6455 5.3, 10.3).
import type { Values } from '../values/values.js';

/** Writes the four bytes of a new masking key into `into`; called once for each frame, before any of it is written. */
export type GenerateMask = Values['random'];

/** The bytes drawn at a time, 32 KiB, since the call costs more than a short draw. */
const POOL_LENGTH = 8192;

/** Keys from a pool that is refilled from the secure source and wiped as it is used; one pool for each thread. */
class KeyPool {
  private readonly octets: Uint8Array<ArrayBuffer> = new Uint8Array(4 * POOL_LENGTH);
  private readonly pool: Int32Array = new Int32Array(this.octets.buffer);
  private at = POOL_LENGTH;

  constructor(private readonly values: Values) {}

  next(): number {
    const { pool } = this;
    if (this.at === POOL_LENGTH) {
      // RFC 6455 5.3: keys come from a strong source of entropy. If it throws, no frame is written.
      this.values.random(this.octets);
      this.at = 0;
    }
    const at = this.at++;
    const key = pool[at];
    pool[at] = 0;
    return key;
  }
}

const pools = new WeakMap<Values, KeyPool>();

/** Makes the function that draws a frame's key: from `generate`, or from the thread's pool. */
export function maskingKeys(values: Values, generate?: GenerateMask): () => number {
  if (generate !== undefined) {
    return () => {
      // A new array each time: the caller may send a frame while it makes the key of another.
      const asked = values.allocate(4) as Uint8Array<ArrayBuffer>;
      generate(asked);
      const key = asked[0] | (asked[1] << 8) | (asked[2] << 16) | (asked[3] << 24);
      asked.fill(0);
      return key;
    };
  }
  let pool = pools.get(values);
  if (pool === undefined) pools.set(values, (pool = new KeyPool(values)));
  const keys = pool;
  return () => keys.next();
}
