// An echo server of faye-websocket: node server-faye.mjs PORT
import { createServer } from 'node:http';
import Faye from 'faye-websocket';
const http = createServer().listen(Number(process.argv[2]), '127.0.0.1');
http.on('upgrade', (request, socket, head) => {
  if (!Faye.isWebSocket(request)) return socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  const websocket = new Faye(request, socket, head, null, { maxLength: 64 * 1024 * 1024 });
  websocket.on('message', ({ data }) => websocket.send(data));
});
