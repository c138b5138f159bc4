// Two servers on one HTTP server, each for its path, behind an authentication of the application's own.
import http, { type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';

interface User {
  readonly name: string;
}
const chat = new WebSocketServer({ noServer: true, clientTracking: true });
const news: WebSocketServer = new WebSocketServer({
  noServer: true,
  handleProtocols: (names) => names.has('v2') && 'v2',
});
const users = new WeakMap<WebSocket, User>();

function authenticate(request: IncomingMessage): User | undefined {
  return request.headers.authorization === undefined ? undefined : { name: request.headers.authorization };
}

function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const user = authenticate(request);
  if (user === undefined) {
    socket.write('HTTP/1.1 401 Unauthorized\r\n\r\n');
    socket.destroy();
    return;
  }
  const wss = request.url === '/news' ? news : chat;
  wss.handleUpgrade(request, socket, head, (ws) => {
    users.set(ws, user);
    wss.emit('connection', ws, request, user);
  });
}

chat.on('connection', function connection(ws: WebSocket, request: IncomingMessage, user?: User) {
  this.clients.forEach((client: WebSocket) => client.ping());
  ws.send(JSON.stringify({ user, url: request.url }));
});
http.createServer().on('upgrade', upgrade);
