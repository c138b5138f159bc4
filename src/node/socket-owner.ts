// `own` connects a connection to its socket by a private field on the socket, invisible to reflection.
import type { Duplex } from 'node:stream';
import { Existing } from './behind.js';

/** The part of a connection that its socket's users need. */
export interface SocketOwner {
  /** Writes everything that waits. */
  flush(): void;
  /** Bytes that were sent and that the socket has not written. */
  readonly writableLength: number;
}

/** Nothing of ours is visible on a socket, and nothing that connections share can be reached from it. */
class Tie extends Existing {
  #owner: SocketOwner | undefined;

  static set(socket: Duplex, owner: SocketOwner | undefined): void {
    if (#owner in socket) socket.#owner = owner;
    else new Tie(socket).#owner = owner;
  }

  static get(socket: Duplex): SocketOwner | undefined {
    return #owner in socket ? socket.#owner : undefined;
  }
}

export function own(socket: Duplex, owner: SocketOwner): void {
  Tie.set(socket, owner);
}

/** The connection that owns a socket; undefined before and after its life. */
export function ownerOf(socket: Duplex): SocketOwner | undefined {
  return Tie.get(socket);
}

export function disown(socket: Duplex): void {
  Tie.set(socket, undefined);
}
