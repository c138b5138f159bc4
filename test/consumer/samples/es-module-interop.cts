// CommonJS written with import statements, compiled with esModuleInterop: what most older projects have.
import WebSocket, { WebSocketServer, createWebSocketStream, type MessageEvent } from 'ws';
import { once } from 'node:events';

async function main(): Promise<void> {
  const server = new WebSocketServer({ port: 0, backlog: 10, host: '127.0.0.1' }, () => console.log('listening'));
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
  const sockets: WebSocket[] = [client];
  client.once('open', () => sockets.forEach((socket) => socket.send([1, 2, 3])));
  client.onmessage = (event: MessageEvent) => console.log(event.data.toString());
  const [message] = (await once(client, 'message')) as [Buffer, boolean];
  console.log(message.length, typeof createWebSocketStream);
  client.off('error', console.error).removeAllListeners('message').close();
  server.close();
}
void main();
