// A socket's own methods that put octets into the stream, or end it -> the same with a flush before them.
import type { Duplex } from 'node:stream';

type Method<Socket> = (this: Socket, ...given: never[]) => never;

/** Methods to put over those of a socket's class. */
export function afterFlush<Socket extends Duplex>(
  flush: (socket: Socket) => void,
): Record<'write' | 'end' | 'destroy', Method<Socket>> {
  const after = (name: string): Method<Socket> =>
    function (this: Socket, ...given: never[]): never {
      flush(this);
      return (Object.getPrototypeOf(this) as Record<string, Method<Socket>>)[name].apply(this, given);
    };
  return { write: after('write'), end: after('end'), destroy: after('destroy') };
}
