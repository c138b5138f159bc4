// A class of one's own for connections and for requests, as the server's type parameters.
import { createServer, IncomingMessage } from 'node:http';
import WebSocket, { WebSocketServer, type ServerOptions } from 'ws';

class Request extends IncomingMessage {
  session: string | undefined;
}
class Client extends WebSocket {
  isAlive = true;
  readonly joined: Date = new Date();

  greet(): void {
    this.send(`since ${this.joined.toISOString()}`);
  }
}
class Server extends WebSocketServer<typeof Client, typeof Request> {
  override shouldHandle(request: Request): boolean {
    return request.session !== undefined && super.shouldHandle(request) === true;
  }
}

const options: ServerOptions<typeof Client, typeof Request> = {
  server: createServer({ IncomingMessage: Request }),
  WebSocket: Client,
  verifyClient: ({ req, origin, secure }, answer) => answer(secure || origin === req.session, 403, 'no'),
};
const server = new Server(options);
server.on('connection', (client, request) => {
  client.greet();
  client.on('pong', function pong() {
    client.isAlive = this.readyState === this.OPEN;
  });
  console.log(request.session?.length);
});
const all: Set<Client> = server.clients;
const timer = setInterval(() => {
  for (const client of all) {
    if (!client.isAlive) client.terminate();
    client.isAlive = false;
    client.ping('', false, (error) => console.log(error?.message));
  }
}, 30_000);
server.once('close', () => clearInterval(timer));
