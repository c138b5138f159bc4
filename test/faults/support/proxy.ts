// A TCP address -> another that leads there through faults: bytes split, late, flipped, or cut off. Random choices come from a seed.
import net, { type AddressInfo } from 'node:net';
import { Random } from '../../support/random.js';

export interface ProxyFaults {
  readonly seed: number;
  /** The most bytes that are passed on in one piece. */
  readonly split?: number;
  /** The most turns of the event loop that a piece is held back. */
  readonly delay?: number;
  /** Flips this bit of what the client sends, counted from the connection's first byte. */
  readonly flip?: number;
  /** What to do once so many bytes have come from the client. */
  readonly cut?: { readonly at: number; readonly how: 'RST' | 'FIN' | 'stall' };
}

export interface Proxy {
  readonly port: number;
  stop(): void;
}

/** Listens on a free port and passes each connection on to `target`. */
export async function startProxy(target: number, faults: ProxyFaults): Promise<Proxy> {
  const random = new Random(faults.seed);
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (near) => {
    const far = net.connect({ port: target, host: '127.0.0.1', noDelay: true });
    let fromClient = 0;
    const pass = (from: net.Socket, to: net.Socket, isFromClient: boolean): void => {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => to.destroy());
      from.on('data', (chunk) => {
        from.pause();
        void (async () => {
          for (let at = 0; at < chunk.length && !to.destroyed;) {
            const end = Math.min(
              chunk.length,
              at + (faults.split === undefined ? chunk.length : random.between(1, faults.split)),
            );
            const piece = Buffer.from(chunk.subarray(at, end));
            if (isFromClient) {
              const bit = (faults.flip ?? -1) - 8 * fromClient;
              if (bit >= 0 && bit < 8 * piece.length) piece[bit >> 3] ^= 1 << (bit & 7);
              fromClient += piece.length;
              if (faults.cut !== undefined && fromClient > faults.cut.at) {
                if (faults.cut.how === 'RST') to.resetAndDestroy();
                else if (faults.cut.how === 'FIN') to.end();
                return;
              }
            }
            to.write(piece);
            at = end;
            for (let turns = random.below((faults.delay ?? 0) + 1); turns > 0; turns--) await new Promise(setImmediate);
          }
          from.resume();
        })();
      });
    };
    pass(near, far, true);
    pass(far, near, false);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
