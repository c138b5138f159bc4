// Cuts of a session -> raw TCP connections, each of which has written its part of it and then does as it is told.
import { createHash } from 'node:crypto';
import net from 'node:net';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** The connections of the last session, by their paths. */
const sockets = new Map();

/**
 * Writes `frames` up to each cut.
 * @param cuts `{ path, octets, backlog, head }`: -2 bytes write nothing at all, -1 half of the handshake's head; with
 *   `backlog` nothing is read after the handshake
 * @param port where to connect to as a client; a server listens
 * @returns the port
 */
export async function play(role, port, cuts, frames) {
  sockets.clear();
  const start = (socket, { path, octets, backlog, head }) => {
    sockets.set(path, socket);
    socket.on('error', () => {});
    let received = '';
    socket.on('data', (chunk) => {
      if (received.includes('\r\n\r\n')) return;
      received += chunk.toString('latin1');
      if (!received.includes('\r\n\r\n')) return;
      if (backlog) socket.pause();
      const part = frames.subarray(0, Math.max(0, octets));
      if (role === 'client') return void socket.write(part);
      const key = /sec-websocket-key: (\S+)/i.exec(received)[1];
      const accept = createHash('sha1')
        .update(key + GUID)
        .digest('base64');
      writeHead(socket, head.replace('ACCEPT', accept), octets, part);
    });
    if (role === 'client') writeHead(socket, head, octets, Buffer.alloc(0));
  };
  if (role === 'client') {
    for (const cut of cuts) start(net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }), cut);
    return port;
  }
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.once('data', (chunk) => {
      const path = /^GET (\S+)/.exec(chunk.toString())[1];
      start(
        socket,
        cuts.find((cut) => cut.path === path),
      );
      socket.emit('data', chunk);
    });
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', 1000, resolve);
  });
  return server.address().port;
}

function writeHead(socket, head, octets, after) {
  if (octets === -2) return;
  if (octets === -1) socket.write(head.slice(0, head.length / 2));
  else socket.write(Buffer.concat([Buffer.from(head), after]));
}

/** Does one thing to all connections: 'resetAndDestroy' or 'end'. */
export function strike(method) {
  for (const socket of sockets.values()) socket[method]();
}
