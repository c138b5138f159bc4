// `guardWith` flushes a batch before any call of the application on its socket could overtake it.
import type { Duplex } from 'node:stream';
import { catchUp } from './flush-time.js';

type Method = (this: Duplex, ...given: never[]) => unknown;
type Flush = (socket: Duplex) => void;

/**
 * The methods that write bytes into the stream, release them or end it; all other methods of a Duplex or net.Socket call
 * these.
 */
const NAMES = ['write', 'uncork', 'end', 'destroy'] as const;

/** A guarded method of a socket without one of its own: it continues with the method of the socket's class. */
function overClass(name: (typeof NAMES)[number], flush: Flush): Method {
  return function (this: Duplex, ...given: never[]) {
    flush(this);
    return (Object.getPrototypeOf(this) as Record<string, Method>)[name].apply(this, given);
  };
}

/** A guarded method around one that the application, or a tool, has set on the socket itself. */
function overOwn(own: Method, flush: Flush): Method {
  return function (this: Duplex, ...given: never[]) {
    flush(this);
    return own.apply(this, given);
  };
}

/** Whether a socket's methods can be replaced: not where the application has frozen it. */
export function isGuardable(socket: Duplex): boolean {
  return (
    Object.isExtensible(socket) &&
    NAMES.every((name) => Object.getOwnPropertyDescriptor(socket, name)?.configurable !== false)
  );
}

export interface Guard {
  guardSocket(socket: Duplex): void;
  /** The guarded `write` of a socket without one of its own. */
  readonly write: unknown;
}

/**
 * Makes the function that guards sockets with `flushBatch`, once the sends to many that were put off are done; sockets without
 * own methods share the guarded ones.
 */
export function guardWith(flushBatch: Flush): Guard {
  const flush: Flush = (socket) => {
    catchUp();
    flushBatch(socket);
  };
  const shared = Object.fromEntries(NAMES.map((name) => [name, overClass(name, flush)]));
  const guardSocket = (socket: Duplex): void => {
    for (const name of NAMES) {
      const own = Object.hasOwn(socket, name) ? (socket[name] as Method) : undefined;
      const value = own === undefined ? shared[name] : overOwn(own, flush);
      Object.defineProperty(socket, name, { value, writable: true, configurable: true, enumerable: false });
    }
  };
  return { guardSocket, write: shared.write };
}
