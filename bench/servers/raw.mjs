// TCP without WebSocket: answers the opening handshake, then sends every chunk back as it came. No WebSocket server on
// node:net can be faster.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { done, ready, settings } from './control.mjs';

const { wireLength, tls } = settings;
const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

function greet(socket) {
  socket.setNoDelay?.();
  let octets = 0;
  socket.on('error', () => socket.destroy());
  socket.once('data', () => {
    socket.write(answer);
    socket.on('data', (chunk) => {
      octets += chunk.length;
      const messages = Math.floor(octets / wireLength);
      octets -= messages * wireLength;
      done.count += messages;
      socket.write(chunk);
    });
  });
}

const server =
  tls === undefined
    ? createServer(greet)
    : createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, greet);
server.listen(0, '127.0.0.1', () => ready(server.address().port));
