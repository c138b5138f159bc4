// An echo server of WebSocket-Node: node server-websocket-node.mjs PORT
import { createServer } from 'node:http';
import websocket from 'websocket';
const http = createServer().listen(Number(process.argv[2]), '127.0.0.1');
const size = 64 * 1024 * 1024;
const server = new websocket.server({
  httpServer: http,
  autoAcceptConnections: true,
  maxReceivedFrameSize: size,
  maxReceivedMessageSize: size,
  disableNagleAlgorithm: true,
  fragmentOutgoingMessages: false,
});
server.on('connect', (connection) =>
  connection.on('message', (message) =>
    message.type === 'utf8' ? connection.sendUTF(message.utf8Data) : connection.sendBytes(message.binaryData),
  ),
);
