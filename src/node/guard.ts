// `guardWith` has a batch flushed before any call of the application on its socket can overtake it.
import type { Duplex } from 'node:stream';

type Method = (this: Duplex, ...given: never[]) => unknown;
type Flush = (socket: Duplex) => void;

/**
 * The methods that put bytes into the stream, let them out or end it; all others of a Duplex or net.Socket come down to
 * these.
 */
const NAMES = ['write', 'uncork', 'end', 'destroy'] as const;

/** A guarded method of a socket that had none of its own: it goes on with the one of the socket's class. */
function overClass(name: (typeof NAMES)[number], flush: Flush): Method {
  return function (this: Duplex, ...given: never[]) {
    flush(this);
    return (Object.getPrototypeOf(this) as Record<string, Method>)[name].apply(this, given);
  };
}

/** A guarded method over one that the application, or a tool, had set on the socket itself. */
function overOwn(own: Method, flush: Flush): Method {
  return function (this: Duplex, ...given: never[]) {
    flush(this);
    return own.apply(this, given);
  };
}

/** Whether the methods of a socket can be put in place: not where the application has frozen it. */
export function isGuardable(socket: Duplex): boolean {
  return (
    Object.isExtensible(socket) &&
    NAMES.every((name) => Object.getOwnPropertyDescriptor(socket, name)?.configurable !== false)
  );
}

export interface Guard {
  guardSocket(socket: Duplex): void;
  /** The guarded `write` of a socket that had none of its own. */
  readonly write: unknown;
}

/** Makes the function that guards sockets with `flush`; sockets without methods of their own share the guarded ones. */
export function guardWith(flush: Flush): Guard {
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
