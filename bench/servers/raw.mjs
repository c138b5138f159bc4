// TCP without WebSocket: answers the opening handshake, then sends every chunk back as it came. No WebSocket server on
// node:net can be faster. With the work "broadcast" each chunk is answered to all sockets instead. With `ownBuffer` all
// sockets read into one buffer, the way wsimd reads; with `toHandle` they are written to past their stream, the way
// wsimd writes.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { BINARY, makeFrame } from '../lib/frames.mjs';
import { done, ready, settings } from './control.mjs';

const { work, burst, length, wireLength, tls, ownBuffer, toHandle } = settings;
const readInto = ownBuffer ? await findReader() : undefined;
const writer = toHandle ? (await import('../../dist/node/write-path.js')).directWriter() : undefined;
const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
const frame = makeFrame(BINARY, Buffer.alloc(length ?? 0, 'x'), false);
const broadcast = Buffer.concat(Array.from({ length: burst ?? 1 }, () => frame));
const sockets = new Set();

function sendToAll() {
  done.count += (burst ?? 1) * sockets.size;
  for (const socket of sockets) if (!writer?.write(socket, broadcast)) socket.write(broadcast);
}

function greet(socket) {
  const answerChunk = work === 'broadcast' ? sendToAll : sendBack;
  socket.setNoDelay?.();
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  let octets = 0;
  socket.on('error', () => socket.destroy());
  socket.once('data', () => {
    socket.write(answer);
    readInto?.(socket, answerChunk);
    socket.on('data', answerChunk);
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
