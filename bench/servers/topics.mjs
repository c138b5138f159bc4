// Our server, whose fan-out goes by way of topics in one process.
import { WebSocketServer } from '../../dist/index.js';
import { Topics } from '../../dist/topics/index.js';
import { done, ready, settings } from './control.mjs';

const { burst, length } = settings;
const message = Buffer.alloc(length, 'x');
const topics = new Topics();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (socket) => {
  void topics.subscribe(socket, 'all');
  socket.on('message', () => {
    for (let i = 0; i < burst; i++) void topics.publish('all', message);
    done.count += burst * topics.subscriberCount('all');
  });
});
server.on('listening', () => ready(server.address().port));
