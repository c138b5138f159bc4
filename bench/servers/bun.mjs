// Bun's own server, an echo; only Bun runs this.
import { done, ready } from './control.mjs';

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, serving) =>
    serving.upgrade(request) ? undefined : new Response('Upgrade Required', { status: 426 }),
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    message(ws, data) {
      done.count++;
      ws.send(data);
    },
  },
});
ready(server.port);
