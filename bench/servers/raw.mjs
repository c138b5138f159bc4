// TCP without WebSocket: answers the opening handshake, then sends every chunk back as it came. No WebSocket server on
// node:net can be faster. With `ownBuffer` all sockets read into one buffer, the way wsimd reads; with `toHandle` they are
// written to past their stream, the way wsimd writes.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { done, ready, settings } from './control.mjs';

const { wireLength, tls, ownBuffer, toHandle } = settings;
const readInto = ownBuffer ? await findReader() : undefined;
const writer = toHandle ? (await import('../../dist/node/write-path.js')).directWriter() : undefined;
const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

function greet(socket) {
  socket.setNoDelay?.();
  let octets = 0;
  socket.on('error', () => socket.destroy());
  socket.once('data', () => {
    socket.write(answer);
    readInto?.(socket, sendBack);
    socket.on('data', sendBack);
  });

  function sendBack(chunk) {
    octets += chunk.length;
    const messages = Math.floor(octets / wireLength);
    octets -= messages * wireLength;
    done.count += messages;
    if (!writer?.write(socket, chunk)) socket.write(chunk);
  }
}

/** What lets a socket read into the landing area, and hands a copy of each read on. */
async function findReader() {
  const { land } = await import('../../dist/node/landing.js');
  const { kernels } = await import('../../dist/kernels/index.js');
  const { bytes, landingAddress } = kernels;
  return (socket, take) => {
    land(socket, (length) => {
      take(bytes.slice(landingAddress, landingAddress + length));
      return true;
    });
  };
}

const server =
  tls === undefined
    ? createServer(greet)
    : createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, greet);
server.listen(0, '127.0.0.1', () => ready(server.address().port));
