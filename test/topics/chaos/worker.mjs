// `node worker.mjs SETTINGS`: one process of a server with topics, which also publishes, and tells its parent of each message's fate.
import { WebSocketServer } from '../../../dist/index.js';
import { Topics } from '../../../dist/topics/index.js';
import { openBroker } from './brokers.mjs';
import { Publisher } from './publisher.mjs';

const { engine, where, isKept, topics: names, rate, name } = JSON.parse(process.argv[2]);
const [broker] = await openBroker(engine, where, isKept);
const topics = new Topics({
  broker,
  checkInterval: 500,
  envelope: ({ topic, data, position }) => JSON.stringify({ topic, data, position }),
});
const publisher = new Publisher(topics, name, names, (news) => process.send(news));
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
topics.on('gap', ({ topics: lost }) => {
  // In the connection's own order: all that comes behind it came after the gap.
  for (const topic of lost) {
    for (const socket of server.clients) {
      if (topics.isSubscribed(socket, topic)) socket.send(JSON.stringify({ topic, gap: true }));
    }
  }
});
server.on('connection', (socket) => {
  socket.on('message', async (data) => {
    const { topic, after } = JSON.parse(data);
    const { recovered, position } = await topics.subscribe(socket, topic, { after });
    socket.send(JSON.stringify({ topic, subscribed: true, recovered, position }));
  });
  socket.on('error', () => undefined);
});
server.on('listening', () => process.send({ port: server.address().port }));
process.on('message', (order) => {
  if (order === 'publish') publisher.begin(rate);
  else if (order === 'end') void publisher.end();
});
process.on('disconnect', () => process.exit());
