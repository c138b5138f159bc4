// The echo server and our client with `ws` at the other end.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { WebSocket as WsWebSocket, WebSocketServer as WsWebSocketServer } from 'ws';
import { WebSocket } from '../../src/index.js';
import { expectClose, expectEchoes } from '../support/echo.js';
import { startServing } from '../support/serving.js';

describe.each([
  { compression: 'plain', extensions: '', perMessageDeflate: false },
  { compression: 'deflate', extensions: 'permessage-deflate', perMessageDeflate: { threshold: 0 } },
])('$compression', ({ extensions, perMessageDeflate }) => {
  test('our server echoes what a client made with ws sends', { timeout: 60_000 }, async () => {
    const serving = await startServing(perMessageDeflate ? ['--deflate'] : []);
    const socket = new WsWebSocket(serving.ws, { perMessageDeflate });
    await once(socket, 'open');
    expect(socket.extensions).toBe(extensions);
    await expectEchoes(socket);
    await expectClose(socket);
    await serving.stop();
  });

  test('our client gets its echoes from a server made with ws', { timeout: 60_000 }, async () => {
    const server = new WsWebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
    server.on('connection', (peer) => peer.on('message', (data, binary) => peer.send(data, { binary })));
    await once(server, 'listening');
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, { perMessageDeflate });
    await once(socket, 'open');
    expect(socket.extensions).toBe(extensions);
    await expectEchoes(socket);
    await expectClose(socket);
    server.close();
  });
});
