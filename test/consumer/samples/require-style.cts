// CommonJS with `import ... = require`: the class is the module, and everything else is on it.
import WebSocket = require('ws');
import { createServer } from 'node:https';

const server = new WebSocket.Server({
  server: createServer(),
  maxPayload: 1024,
  verifyClient: (info: { secure: boolean }) => info.secure,
});
const other: WebSocket.Server<WebSocketClass> = new WebSocket.WebSocketServer({ noServer: true });
type WebSocketClass = typeof WebSocket;

const verify: WebSocket.VerifyClientCallbackAsync = ({ origin }, callback) =>
  callback(origin === 'a', 401, 'Unauthorized', { 'WWW-Authenticate': 'Basic' });
const verifySync: WebSocket.VerifyClientCallbackSync = ({ req }) => req.url === '/';
const options: WebSocket.ServerOptions = { port: 0, verifyClient: Math.random() > 1 ? verify : verifySync };

server.on('connection', (ws: WebSocket, request) => {
  ws.on('message', (raw: WebSocket.RawData) => {
    const text: string = Array.isArray(raw)
      ? Buffer.concat(raw).toString()
      : Buffer.from(raw as ArrayBuffer).toString();
    const data: WebSocket.Data = text;
    ws.send(data);
  });
  ws.addEventListener('close', (event: WebSocket.CloseEvent) => console.log(event.code, request.url));
});
const address = other.address();
if (typeof address === 'object' && address !== null) {
  const { port, family }: WebSocket.AddressInfo = address;
  console.log(port, family, options.port);
}
const client: WebSocket = new WebSocket.WebSocket('ws://127.0.0.1', { family: 4 } satisfies WebSocket.ClientOptions);
WebSocket.createWebSocketStream(client).end();
console.log(client instanceof WebSocket, WebSocket.OPEN === client.OPEN);
