// Flags of an application on the interfaces of ws, declared in CommonJS.
import * as WebSocket from 'ws';

declare module 'ws' {
  interface WebSocket {
    isAlive?: boolean;
  }
  interface ServerOptions {
    mine?: 1;
  }
  interface ClientOptions {
    yours?: 2;
  }
}

const server = new WebSocket.Server({ port: 0, mine: 1 });
server.on('connection', (socket: WebSocket.WebSocket) => {
  socket.isAlive = true;
  socket.on('pong', () => (socket.isAlive = true));
});
const client: WebSocket.WebSocket = new WebSocket.WebSocket('ws://localhost', { yours: 2 });
client.isAlive = false;
