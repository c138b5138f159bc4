// TCP without WebSocket: answers the opening handshake, then sends every chunk back as it came. No WebSocket server on
// node:net can be faster. With `ownBuffer` all sockets read into one buffer, as Node's `onread` lets a client's socket do.
import { readFileSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { done, ready, settings } from './control.mjs';

const { wireLength, tls, ownBuffer } = settings;
const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

function greet(socket) {
  socket.setNoDelay?.();
  let octets = 0;
  socket.on('error', () => socket.destroy());
  socket.once('data', () => {
    socket.write(answer);
    if (ownBuffer) readInto(socket, (length) => sendBack(buffer.slice(0, length)));
    socket.on('data', sendBack);
  });

  function sendBack(chunk) {
    octets += chunk.length;
    const messages = Math.floor(octets / wireLength);
    octets -= messages * wireLength;
    done.count += messages;
    socket.write(chunk);
  }
}

/** Lets `socket` read into `buffer`, by the slots in which a socket that was made with `onread` keeps its buffer and callback. */
function readInto(socket, landed) {
  const callback = (length) => {
    landed(length);
    return true;
  };
  const model = new Socket({ onread: { buffer, callback } });
  for (const slot of Object.getOwnPropertySymbols(model)) {
    if (model[slot] === buffer || model[slot] === callback) socket[slot] = model[slot];
  }
  model.destroy();
  socket._handle.useUserBuffer(buffer);
}

const buffer = new Uint8Array(256 * 1024);

const server =
  tls === undefined
    ? createServer(greet)
    : createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, greet);
server.listen(0, '127.0.0.1', () => ready(server.address().port));
