// Tells by `isPlain` whether a write to a socket is over when it returns, so that the batch's memory can serve again.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The methods of net.Socket that stand between `write` and the handle; private ones are compared, never called. */
const METHODS = ['write', '_write', '_writev', '_writeGeneric'] as const;
type Methods = Readonly<Record<(typeof METHODS)[number], unknown>>;

const prototype = Socket.prototype as unknown as Methods;
const { write, _write, _writev, _writeGeneric } = prototype;
/** A patch that was applied before this module was loaded may queue or delay; Node's own `write` goes straight to `_write`. */
const isNodes = String(write).includes('_write(this, chunk, encoding, cb)') && METHODS.every((name) => prototype[name]);

/**
 * Whether `socket` is a net.Socket whose every method on the way to the handle is Node's own. Once its queue is empty after
 * a `write`, the kernel has the bytes and nothing refers to their memory any more.
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
    methods._writeGeneric === _writeGeneric
  );
}
