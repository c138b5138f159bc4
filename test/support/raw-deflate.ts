// The module that inflates, fed in pieces: for cuts between any two bytes, which no message of a connection can make.
import { machine } from '../../src/deflate/machine.js';
import { Inflating } from '../../src/spec/deflate.js';

const SUSPENDED = 384;

/**
 * Inflates a stream that comes in pieces.
 * @param room the most bytes of output of one call
 * @param moves whether the stream is carried out of the memory and back after each call
 * @returns the output, and the answer of the last call
 */
export function inflatePieces(
  pieces: readonly Uint8Array[],
  room: number = Infinity,
  moves: boolean = false,
): { output: Buffer; answer: Inflating } {
  const { exports, bytes, inputAddress, suspendedAddress } = machine();
  machine().inflating?.leave();
  machine().inflating = undefined;
  exports.admit(0, 32_768);
  const output: Buffer[] = [];
  let answer = Inflating.NeedsInput;
  for (const piece of pieces) {
    bytes.set(piece, inputAddress);
    exports.feed(piece.length);
    do {
      if (exports.outputRoom() < 65_536) exports.moveWindow();
      const start = exports.outputEnd();
      answer = exports.inflate(Math.min(room, exports.outputRoom()));
      output.push(Buffer.from(bytes.slice(start, exports.outputEnd())));
    } while (answer === Inflating.IsFull);
    if (answer !== Inflating.NeedsInput) break;
    if (!moves) continue;
    const end = exports.outputEnd();
    const window = bytes.slice(end - exports.windowFilled(), end);
    exports.suspend();
    const state = bytes.slice(suspendedAddress, suspendedAddress + SUSPENDED);
    // Another stream, which leaves tables and a state of its own.
    exports.admit(0, 32_768);
    bytes.set([0x0d, 0xc0, 0x01, 0x01, 0x00, 0x00, 0x00, 0x80], inputAddress);
    exports.feed(8);
    exports.inflate(100);
    bytes.set(window, exports.admit(window.length, 32_768));
    bytes.set(state, suspendedAddress);
    exports.resume();
  }
  return { output: Buffer.concat(output), answer };
}
