// `directWriter` returns this Node's direct writer, if it has one; `writePath` decides whether it is used.
import process from 'node:process';
import { provesDirectWrites } from './direct-write-proof.js';
import { DirectWriter, findMechanism } from './direct-write.js';

/** The path of a batch from a connection to its socket. */
export type WritePath = 'direct' | 'stream';

/** The default write path; the environment variable WSIMD_WRITE_PATH forces one. */
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

/** The writer of this thread, tested when the first connection asks; undefined where only the stream can be written to. */
export function directWriter(): DirectWriter | undefined {
  if (!isTried) {
    isTried = true;
    writer = makeWriter();
  }
  return writer;
}
