// The server under test: echoes what healthy clients send, checks every message, and tells of itself once a second.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { WebSocketServer } from '../../dist/index.js';
import { Faults, Ledger, readMessage } from './message.mjs';

const MIB = 1024 * 1024;
/** After this many seconds the old generation is collected, so that memory tells of what lives. */
const COLLECT_EVERY = 10;
const faults = new Faults();
let messages = 0;

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  backlog: 4096,
  maxPayload: MIB,
  maxBackpressure: 16 * MIB,
  perMessageDeflate: false,
});
server.on('connection', (socket, request) => {
  // The address of a healthy client is /<connection>, of one that makes trouble /chaos.
  const connection = request.url === '/chaos' ? undefined : Number(request.url.slice(1));
  const ledger = connection === undefined ? undefined : new Ledger(connection, faults);
  socket.on('message', (data, isBinary) => {
    messages++;
    if (ledger !== undefined) ledger.receive(data);
    else if (readMessage(data) === undefined) faults.corrupted++;
    socket.send(data, { binary: isBinary });
  });
});
server.on('listening', () => process.send({ port: server.address().port }));

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
let cpu = process.cpuUsage();
let second = 0;
const timer = setInterval(() => {
  second++;
  if (second % COLLECT_EVERY === 0) gc();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const { user, system } = process.cpuUsage(cpu);
  cpu = process.cpuUsage();
  process.send({
    server: {
      connections: server.clients.size,
      messages,
      rss,
      heapUsed,
      arrayBuffers,
      cpu: Math.round((user + system) / 10_000),
      delayP50: delay.percentile(50) / 1e6,
      delayP99: delay.percentile(99) / 1e6,
      delayMax: delay.max / 1e6,
      faults,
    },
  });
  delay.reset();
}, 1000);

process.on('message', (order) => {
  if (order !== 'end') return;
  clearInterval(timer);
  // All clients have gone: nothing of them may be left.
  const deadline = Date.now() + 45_000;
  const waiting = setInterval(() => {
    if (server.clients.size > 0 && Date.now() < deadline) return;
    clearInterval(waiting);
    process.send({ end: { faults, messages, connections: server.clients.size } }, () => process.exit(0));
  }, 50);
});
process.on('disconnect', () => process.exit(1));
