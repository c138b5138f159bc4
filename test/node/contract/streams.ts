/** A WebSocket over a plain Duplex, as @fastify/websocket's injectWS and mock servers make one. */
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import { RawPeer, type RawRole } from '../../support/raw-peer.js';
import { duplexPair, owned } from './harness.js';
import type { Client, Implementation } from './implementations.js';

export interface OverStreams {
  ws: Client;
  /** The hand-written other end. */
  peer: RawPeer;
  /** The stream that was given to setSocket. */
  socket: Duplex;
}

/** An open WebSocket over one end of a pair of Duplex streams; its other end is in the test's hand. */
export function ownedPairOfStreams(
  implementation: Implementation,
  { role = 'server', head = Buffer.alloc(0), options = {} }: { role?: RawRole; head?: Buffer; options?: object } = {},
): OverStreams {
  const [socket, other] = duplexPair();
  onTestFinished(() => {
    socket.destroy();
    other.destroy();
  });
  const peer = new RawPeer(other, role === 'server' ? 'client' : 'server');
  const ws = owned(new implementation.WebSocket(null, undefined, { autoPong: true, closeTimeout: 1000, ...options }));
  if (role === 'client') ws._isServer = false;
  ws.setSocket(socket, head, { maxPayload: 0, ...options });
  return { ws, peer, socket };
}
