// This module exports the functions and addresses that src/kernels calls; it defines nothing.
export {
  stateAddress,
  recordsAddress,
  scratchAddress,
  outgoingAddress,
  arenaAddress,
  landingAddress,
  RECORD_CAPACITY,
  SCRATCH_LENGTH,
  OUTGOING_LENGTH,
  ARENA_LENGTH,
  LANDING_LENGTH,
} from './memory';
export { scanFrames } from './frames';
export { mask, maskAndFindAscii } from './mask';
export { maskFrames } from './mask-frames';
export { isAscii, isUtf8, continueUtf8 } from './utf8';
export { transcode } from './transcode';
