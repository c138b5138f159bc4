// Bun's own server, an echo or a fan-out by its own topics; only Bun runs this.
import { done, ready, settings } from './control.mjs';

const { work = 'echo', burst, length } = settings;
const payload = Buffer.alloc(length ?? 0, 'x');
let connections = 0;

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, serving) =>
    serving.upgrade(request) ? undefined : new Response('Upgrade Required', { status: 426 }),
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    open(ws) {
      connections++;
      if (work === 'broadcast') ws.subscribe('all');
    },
    close() {
      connections--;
    },
    message(ws, data) {
      if (work === 'echo') {
        done.count++;
        ws.send(data);
        return;
      }
      for (let i = 0; i < burst; i++) server.publish('all', payload);
      done.count += burst * connections;
    },
  },
});
ready(server.port);
