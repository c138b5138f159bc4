// `isPlain` tells whether a write to a socket is over when it returns, so that the batch's memory can be used again.
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** The methods of net.Socket between `write` and the handle; the private ones are compared, never called. */
const METHODS = ['write', '_write', '_writev', '_writeGeneric'] as const;
type Methods = Readonly<Record<(typeof METHODS)[number], unknown>>;

const prototype = Socket.prototype as unknown as Methods;
const { write, _write, _writev, _writeGeneric } = prototype;
/** A patch that was applied before this module was loaded may queue or delay; Node's own `write` calls `_write` directly. */
const isNodes = String(write).includes('_write(this, chunk, encoding, cb)') && METHODS.every((name) => prototype[name]);

/** The `write` of every Node stream without one of its own. */
// oxlint-disable-next-line unbound-method -- it is only compared
const { write: streamWrite } = Duplex.prototype;

/**
 * Whether `socket` takes writes as Node's streams do: in order, with a callback for each. An application's own `write`
 * may queue, throw, drop its callback, or expect a call for each frame.
 * @param guarded our guarded `write` over Node's, if the socket has it
 */
export function isNodesStream(socket: Duplex, guarded: unknown): boolean {
  const methods = socket as unknown as Methods;
  const { write: own } = methods;
  if (own === streamWrite) return true;
  return own === guarded && (Object.getPrototypeOf(socket) as Methods).write === streamWrite;
}

/** The native function that hands a Buffer to the kernel, taken from the first handle that has it. */
let writeBuffer: unknown;

/** Whether writes end in the kernel: a handle made in JavaScript may keep the memory that it is given. */
function isNative(handle: { readonly writeBuffer?: unknown } | null | undefined): boolean {
  const given = handle?.writeBuffer;
  if (given === undefined) return false;
  if (writeBuffer === undefined && isNativeFunction(given)) writeBuffer = given;
  return given === writeBuffer;
}

/** A bound function also prints as native, but then without a name. */
function isNativeFunction(value: unknown): boolean {
  return typeof value === 'function' && /^function writeBuffer\(\)[^;]*\[native code\]/.test(toSource.call(value));
}

// oxlint-disable-next-line unbound-method -- it is called with its function
const { toString: toSource } = Function.prototype;

/**
 * Whether `socket` is a net.Socket with Node's own handle, and all methods on the way to it are Node's own. When its queue is
 * empty after a `write`, the kernel has the bytes, and nothing refers to their memory any more.
 * @param guarded our guarded `write` over Node's, if the socket has it
 */
export function isPlain(socket: Duplex, guarded: unknown): boolean {
  const methods = socket as unknown as Methods;
  const { write: own } = methods;
  return (
    isNodes &&
    Object.getPrototypeOf(socket) === prototype &&
    (own === write || (own === guarded && prototype.write === write)) &&
    methods._write === _write &&
    methods._writev === _writev &&
    methods._writeGeneric === _writeGeneric &&
    isNative((socket as unknown as { _handle?: object | null })._handle)
  );
}
