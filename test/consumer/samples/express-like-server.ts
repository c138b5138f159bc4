// An HTTP server of an application with a WebSocket server beside its routes.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket, { WebSocketServer } from 'ws';

const app = createServer((_request, response) => response.end('hello'));
const wss = new WebSocketServer({ server: app, path: '/live', perMessageDeflate: { threshold: 1024 } });

wss.on('connection', (ws, request) => {
  const address: string | undefined = request.socket.remoteAddress;
  ws.on('message', (data, isBinary) => {
    for (const client of wss.clients) {
      if (client !== ws && client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
    }
  });
  ws.on('close', (code, reason) => console.log(address, code.toFixed(), reason.toString('utf8')));
  ws.on('error', (error) => console.error(error.message));
  ws.send('welcome', (error) => {
    if (error) ws.terminate();
  });
});
wss.on('headers', (headers, request) => headers.push(`X-Path: ${request.url}`));
wss.on('wsClientError', (error, socket) => socket.end(error.message));
wss.on('listening', () => console.log((wss.address() as AddressInfo).port));
app.listen(0, () => wss.close((error) => app.close(() => console.log(error?.message))));
