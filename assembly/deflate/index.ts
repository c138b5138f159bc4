// This module exports the functions that src/deflate calls; it defines nothing.
export { deflatedAddress, inputAddress, suspendedAddress } from './memory';
export {
  admit,
  feed,
  inflate,
  isBetweenBlocks,
  moveWindow,
  outputEnd,
  outputRoom,
  restart,
  resume,
  suspend,
  windowFilled,
} from './inflate';
export { admitDeflater, deflate, deflaterFilled, restartDeflater, room } from './deflate';
