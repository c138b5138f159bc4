// `stateAddress` and its neighbours are the floor plan of the kernels' one fixed memory; all addresses come from here.
import { RECORD_BYTES, STATE_BYTES } from '../src/spec/record';

//   0 ... __heap_base      statics of the AssemblyScript compiler (lookup tables)
//   state                  64 bytes: the decoder state of the scan that runs now
//   records                4,096 frame records of 16 bytes
//   scratch                256 KiB and slack: input or output of a call that is not a scan
//   outgoing               128 KiB and slack: frames that are masked where they were written, until they are taken
//   arena                  256 KiB and slack: the chunk that was copied in and is scanned now
//   landing                256 KiB and slack: where sockets put the bytes that they read
// The slack lets a kernel load and store whole vectors at an area's end.

const ALIGNMENT: usize = 64;
const SLACK: usize = 64;

export const RECORD_CAPACITY: i32 = 4096;
export const SCRATCH_LENGTH: i32 = 256 * 1024;
export const OUTGOING_LENGTH: i32 = 128 * 1024;
export const ARENA_LENGTH: i32 = 256 * 1024;
export const LANDING_LENGTH: i32 = 256 * 1024;

export function stateAddress(): usize {
  return (__heap_base + (ALIGNMENT - 1)) & ~(ALIGNMENT - 1);
}

export function recordsAddress(): usize {
  return stateAddress() + STATE_BYTES;
}

export function scratchAddress(): usize {
  return recordsAddress() + <usize>RECORD_CAPACITY * RECORD_BYTES;
}

export function outgoingAddress(): usize {
  return scratchAddress() + <usize>SCRATCH_LENGTH + SLACK;
}

export function arenaAddress(): usize {
  return outgoingAddress() + <usize>OUTGOING_LENGTH + SLACK;
}

export function landingAddress(): usize {
  return arenaAddress() + <usize>ARENA_LENGTH + SLACK;
}
