// `directWriter` tells whether this Node's sockets can be written to directly; `writePath` whether they are.
import process from 'node:process';
import { provesDirectWrites } from './direct-write-proof.js';
import { DirectWriter, findMechanism } from './direct-write.js';

/** How a batch gets from a connection to its socket. */
export type WritePath = 'direct' | 'stream';

/** Which way is taken unless an option says otherwise; the environment variable WSIMD_WRITE_PATH forces one. */
export const writePath: WritePath = process.env.WSIMD_WRITE_PATH === 'stream' ? 'stream' : 'direct';

function makeWriter(): DirectWriter | undefined {
  try {
    const mechanism = findMechanism();
    return mechanism !== undefined && provesDirectWrites(mechanism) ? new DirectWriter(mechanism) : undefined;
  } catch {
    return undefined;
  }
}

let writer: DirectWriter | undefined;
let isTried = false;

/** The writer of this thread, tried out when the first connection asks; undefined where only the stream can be written to. */
export function directWriter(): DirectWriter | undefined {
  if (!isTried) {
    isTried = true;
    writer = makeWriter();
  }
  return writer;
}
