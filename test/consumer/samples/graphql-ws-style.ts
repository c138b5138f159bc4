// A library that is handed a server, and keeps the types of its sockets and requests out of its own interface.
import type { IncomingMessage } from 'node:http';
import { WebSocket, type RawData, type ServerOptions, type WebSocketServer } from 'ws';

interface Extra {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
}
interface Disposable {
  dispose(): Promise<void>;
}
interface Handlers<E extends Extra> {
  opened(extra: E): Promise<(code: number, reason: string) => void>;
  message(extra: E, text: string): Promise<void>;
}

export function useServer(handlers: Handlers<Extra>, ws: WebSocketServer, keepAlive = 12_000): Disposable {
  const options: ServerOptions = ws.options;
  options.handleProtocols = (protocols) => (protocols.has('graphql-transport-ws') ? 'graphql-transport-ws' : false);
  ws.on('connection', (socket, request) => {
    socket.once('error', (error) => socket.close(4400, error.message));
    let waiting: NodeJS.Timeout | undefined;
    const interval = setInterval(() => {
      if (socket.readyState !== socket.OPEN) return;
      waiting = setTimeout(() => socket.terminate(), keepAlive);
      socket.once('pong', () => clearTimeout(waiting));
      socket.ping();
    }, keepAlive);
    const extra: Extra = { socket, request };
    const opening = handlers.opened(extra);
    socket.on('message', (event: RawData) => void handlers.message(extra, String(event)));
    socket.once('close', (code, reason) => {
      clearInterval(interval);
      void opening.then((closed) => closed(code, String(reason)));
    });
  });
  return {
    dispose: async () => {
      for (const client of ws.clients) client.close(1001, 'Going away');
      ws.removeAllListeners();
      await new Promise<void>((resolve, reject) => {
        ws.close((error) => (error ? reject(error) : resolve()));
      });
    },
  };
}

export function implementation(): typeof WebSocket {
  return WebSocket;
}
