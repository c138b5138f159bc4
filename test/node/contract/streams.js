import { onTestFinished } from 'vitest';
import { RawPeer } from '../../support/raw-peer.js';
import { duplexPair, owned } from './harness.js';
/** An open WebSocket over one end of a pair of Duplex streams; its other end is in the test's hand. */
export function ownedPairOfStreams(implementation, { role = 'server', head = Buffer.alloc(0), options = {} } = {}) {
    const [socket, other] = duplexPair();
    onTestFinished(() => {
        socket.destroy();
        other.destroy();
    });
    const peer = new RawPeer(other, role === 'server' ? 'client' : 'server');
    const ws = owned(new implementation.WebSocket(null, undefined, { autoPong: true, closeTimeout: 1000, ...options }));
    if (role === 'client')
        ws._isServer = false;
    ws.setSocket(socket, head, { maxPayload: 0, ...options });
    return { ws, peer, socket };
}
