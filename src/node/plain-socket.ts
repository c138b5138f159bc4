// Tells by `isPlain` whether a write to a socket is over when it returns, so that the batch's memory can serve again.
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** The methods of net.Socket that stand between `write` and the handle; private ones are compared, never called. */
const METHODS = ['write', '_write', '_writev', '_writeGeneric'] as const;
type Methods = Readonly<Record<(typeof METHODS)[number], unknown>>;

const prototype = Socket.prototype as unknown as Methods;
const { write, _write, _writev, _writeGeneric } = prototype;
/** A patch that was applied before this module was loaded may queue or delay; Node's own `write` goes straight to `_write`. */
const isNodes = String(write).includes('_write(this, chunk, encoding, cb)') && METHODS.every((name) => prototype[name]);

/** The write of every stream of Node's that has none of its own. */
// oxlint-disable-next-line unbound-method -- it is only compared
const { write: streamWrite } = Duplex.prototype;

/**
 * Whether `socket` takes writes as Node's streams do, in turn and calling back. An application's own `write`
 * may queue, throw, drop its callback, or want to see each frame by itself.
 * @param guarded the `write` of ours that stands over Node's, if the socket has it
 */
export function isNodesStream(socket: Duplex, guarded: unknown): boolean {
  const methods = socket as unknown as Methods;
  const { write: own } = methods;
  if (own === streamWrite) return true;
  return own === guarded && (Object.getPrototypeOf(socket) as Methods).write === streamWrite;
}

/** The native function that hands a Buffer to the kernel, as the first handle that has it shows it. */
let writeBuffer: unknown;

/** Whether writes end in the kernel: a handle made in JavaScript may keep the memory that it is given. */
function isNative(handle: { readonly writeBuffer?: unknown } | null | undefined): boolean {
  const given = handle?.writeBuffer;
  if (given === undefined) return false;
  if (writeBuffer === undefined && isNativeFunction(given)) writeBuffer = given;
  return given === writeBuffer;
}

/** A bound function says of itself that it is native too, but has no name then. */
function isNativeFunction(value: unknown): boolean {
  return typeof value === 'function' && /^function writeBuffer\(\)[^;]*\[native code\]/.test(toSource.call(value));
}

// oxlint-disable-next-line unbound-method -- it is called with its function
const { toString: toSource } = Function.prototype;

/**
 * Whether `socket` is a net.Socket whose every method on the way to the handle is Node's own, and the handle too. Once its queue is
 * empty after a `write`, the kernel has the bytes and nothing refers to their memory any more.
 * @param guarded the `write` of ours that stands over Node's, if the socket has it
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
