// `handlesBehave` tests whether Node's native zlib handles work as ZlibHandle expects.
import { Buffer } from 'node:buffer';
import { constants, createDeflateRaw } from 'node:zlib';
import { HandleSupply } from './handle-supply.js';
import { TAIL } from './limits.js';
import type { NativeHandle, ZlibHandle } from './zlib-handle.js';

const { Z_SYNC_FLUSH, Z_DATA_ERROR } = constants;

const MESSAGE: Uint8Array = Buffer.from('a window is kept, a window is kept, 0123456789 ABCDEFGHIJ');
const GUARD = 0xa5;

// RFC 1951: a fixed block with one match of 3 bytes at distance 1, before which there is nothing.
const FAR = Uint8Array.of(0x03, 0x02, 0x00);

/** Writes `input` with `room` bytes of output at a time, and returns the output; undefined if zlib wrote out of bounds. */
function run(handle: ZlibHandle, input: Uint8Array, room: number): Uint8Array | undefined {
  const output = new Uint8Array(1024).fill(GUARD);
  let read = 0;
  let length = 0;
  do {
    if (length + room >= output.length) return undefined;
    const error = handle.write(Z_SYNC_FLUSH, input, read, input.length, output, length, room);
    if (error !== undefined || handle.inputLeft > input.length - read || handle.outputLeft > room) return undefined;
    read = input.length - handle.inputLeft;
    length += room - handle.outputLeft;
    if (output[length] !== GUARD && handle.outputLeft === 0) return undefined;
  } while (handle.outputLeft === 0);
  return read === input.length && output[length] === GUARD ? output.subarray(0, length) : undefined;
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

/** Whether Node itself initialises its native handles with the parameters that ZlibHandle passes: others end the process. */
function beginsAsNodeDoes(): boolean {
  const options = { windowBits: 11, level: 3, memLevel: 4, strategy: constants.Z_RLE, dictionary: MESSAGE };
  const stream = createDeflateRaw();
  const native = Object.getPrototypeOf((stream as unknown as { _handle: NativeHandle })._handle) as NativeHandle;
  // oxlint-disable-next-line unbound-method -- it is called on the handle
  const { init } = native;
  let given: unknown[] = [];
  native.init = function (this: NativeHandle, ...parameters) {
    given = parameters;
    init.apply(this, parameters);
  };
  try {
    createDeflateRaw(options).close();
  } finally {
    native.init = init;
    stream.close();
  }
  const [windowBits, level, memLevel, strategy, left, written, dictionary, ...more] = given;
  return (
    // The last parameter of Node 24 and later allows bytes after the end, as earlier versions do without it.
    more.every((value) => value === false) &&
    more.length <= 1 &&
    windowBits === options.windowBits &&
    level === options.level &&
    memLevel === options.memLevel &&
    strategy === options.strategy &&
    left instanceof Uint32Array &&
    left.length === 2 &&
    typeof written === 'function' &&
    dictionary === MESSAGE
  );
}

/**
 * Tests a pair of handles: output within bounds and in steps, the window kept between messages and dropped by a reset, the
 * end of a final block found, corrupt data reported. False if anything else happens.
 */
export function handlesBehave(): boolean {
  const handles: ZlibHandle[] = [];
  try {
    if (!beginsAsNodeDoes()) return false;
    const deflater = new HandleSupply('deflate', {}).make();
    const inflater = new HandleSupply('inflate', {}).make();
    handles.push(deflater, inflater);
    const first = run(deflater, MESSAGE, 512);
    const second = run(deflater, MESSAGE, 512);
    if (first === undefined || second === undefined || second.length >= first.length) return false;
    if (!same(first.subarray(-TAIL.length), TAIL)) return false;
    if (!same(run(inflater, first, 7), MESSAGE) || !same(run(inflater, second, 512), MESSAGE)) return false;
    deflater.reset();
    inflater.reset();
    if (!same(run(deflater, MESSAGE, 512), first) || !same(run(inflater, first, 512), MESSAGE)) return false;
    inflater.reset();
    const output = new Uint8Array(16);
    // An empty final block, then four bytes that zlib leaves.
    if (inflater.write(Z_SYNC_FLUSH, Uint8Array.of(0x03, 0x00, ...TAIL), 0, 6, output, 0, 16) !== undefined)
      return false;
    if (inflater.inputLeft !== 4 || inflater.outputLeft !== 16) return false;
    inflater.reset();
    const error = inflater.write(Z_SYNC_FLUSH, FAR, 0, FAR.length, output, 0, 16);
    return error?.errno === Z_DATA_ERROR && error.code === 'Z_DATA_ERROR' && error.message !== '';
  } catch {
    return false;
  } finally {
    for (const handle of handles) handle.close();
  }
}
