// TCP without WebSocket that knows its client: three canned answers, to the opening request, to the message and to the
// Close. No WebSocket server on node:net can take less for a connection that is opened, used once and closed.
import { createServer } from 'node:net';
import { ready } from './control.mjs';

const ANSWERS = [
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
  Buffer.of(0x81, 5, 0x68, 0x65, 0x6c, 0x6c, 0x6f),
  Buffer.of(0x88, 2, 3, 232),
];

const server = createServer({ noDelay: true }, (socket) => {
  let answered = 0;
  socket.on('error', () => {});
  socket.on('data', () => {
    const answer = ANSWERS[answered++];
    if (answered === ANSWERS.length) socket.end(answer);
    else socket.write(answer);
  });
});
server.listen(0, '127.0.0.1', () => ready(server.address().port));
