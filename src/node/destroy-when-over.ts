// `destroyWhenOver` destroys a Duplex when both halves have ended, as a socket of `node:net` does by itself.
import type { Duplex } from 'node:stream';

/** Destroys `socket` once the peer has ended its half and everything of ours has been written. */
export function destroyWhenOver(socket: Duplex): void {
  let halves = 2;
  const over = (): void => {
    if (--halves === 0) socket.destroy();
  };
  socket.once('end', over);
  socket.once('finish', over);
}
