// The kernels' whole face: the functions and addresses that src/kernels calls; it defines nothing.
export {
  stateAddress,
  recordsAddress,
  scratchAddress,
  arenaAddress,
  RECORD_CAPACITY,
  SCRATCH_LENGTH,
  ARENA_LENGTH,
} from './memory';
export { mask, maskAndFindAscii } from './mask';
export { encodeHeader } from './header';
export { isAscii, isUtf8, continueUtf8 } from './utf8';
export { transcode } from './transcode';
