// A server in a process of its own, without an 'error' listener anywhere and without a handler for uncaught exceptions: it
// echoes, prints its port, and ends with its standard input.
import { WebSocketServer } from '../../dist/index.js';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true, maxPayload: 100_000 });
server.on('listening', () => console.log(server.address().port));
server.on('connection', (websocket) => {
  websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
});
process.stdin.on('end', () => process.exit(0)).resume();
