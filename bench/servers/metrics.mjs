// An echo server of ours with or without counts, from the library that is asked for; it times a report on demand.
import { Metrics } from '../../dist/metrics.js';
import { done, ready, settings } from './control.mjs';

const { WebSocketServer } = await import(settings.library ?? '../../dist/index.js');
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, statistics: settings.statistics === true });
const metrics = settings.metrics ? new Metrics() : undefined;
metrics?.watch(server, 'echo');
server.on('connection', (websocket) => {
  websocket.on('message', (data, isBinary) => {
    done.count++;
    websocket.send(data, { binary: isBinary });
  });
});
server.on('listening', () => ready(server.address().port));

process.on('message', (question) => {
  if (question !== 'scrape') return;
  const times = [];
  for (let time = 0; time < 60; time++) {
    const before = process.cpuUsage();
    metrics.text();
    const { user, system } = process.cpuUsage(before);
    times.push(user + system);
  }
  const [first] = times;
  times.sort((a, b) => a - b);
  process.send({ median: times[times.length >> 1], first, longest: times.at(-1) });
});
