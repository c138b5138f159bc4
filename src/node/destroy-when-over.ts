// A Duplex that may stay when both of its halves are over -> one that is destroyed then, as a socket of `node:net` is.
import type { Duplex } from 'node:stream';

/** Destroys `socket` once the peer has ended its half and ours has been written. */
export function destroyWhenOver(socket: Duplex): void {
  let halves = 2;
  const over = (): void => {
    if (--halves === 0) socket.destroy();
  };
  socket.once('end', over);
  socket.once('finish', over);
}
