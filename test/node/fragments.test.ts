import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from '../../src/index.js';
import { encodeFrame } from '../support/raw-peer.js';

const FRAGMENTS = 65_537;
const HANDSHAKE =
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
let server: WebSocketServer;

beforeAll(async () => {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
});
afterAll(() => server.close());

// D01
test.each([0, 1, 7, 64])('5.4 a message of 65,537 fragments of %i bytes is delivered', async (size) => {
  const parts = Array.from({ length: FRAGMENTS }, (_, index) => Buffer.alloc(size, index));
  const frames = parts.map((payload, index) =>
    encodeFrame({ opcode: index === 0 ? 2 : 0, fin: index === FRAGMENTS - 1, payload, masked: true }),
  );
  const connected = once(server, 'connection');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(HANDSHAKE);
  const [peer] = (await connected) as [WebSocket];
  const received = once(peer, 'message');
  socket.write(Buffer.concat(frames));
  const [data, isBinary] = (await received) as [Buffer, boolean];
  expect(isBinary).toBe(true);
  expect(data.equals(Buffer.concat(parts))).toBe(true);
  socket.destroy();
});
