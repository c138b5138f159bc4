// uWebSockets.js by its own API; `settings.module` says where it lies.
import { createRequire } from 'node:module';
import { done, ready, settings } from './control.mjs';

const uws = createRequire(import.meta.url)(settings.module);
const { work, burst, length, tls } = settings;
const message = Buffer.alloc(length ?? 0, 'x');
const clients = new Set();

const app = tls === undefined ? uws.App() : uws.SSLApp({ cert_file_name: tls.cert, key_file_name: tls.key });
app.ws('/*', {
  compression: uws.DISABLED,
  maxPayloadLength: 100 * 1024 * 1024,
  maxBackpressure: 256 * 1024 * 1024,
  idleTimeout: 0,
  sendPingsAutomatically: false,
  open: (ws) => {
    clients.add(ws);
    if (work === 'broadcast') ws.subscribe('all');
  },
  close: (ws) => {
    clients.delete(ws);
  },
  message: (ws, d, isBinary) => {
    if (work === 'echo') {
      done.count++;
      ws.send(d, isBinary);
      return;
    }
    for (let i = 0; i < burst; i++) {
      if (work === 'broadcast') app.publish('all', message, true);
      else for (const client of clients) client.send(message, true);
    }
    done.count += burst * clients.size;
  },
});
app.listen('127.0.0.1', 0, (token) => {
  if (!token) throw new Error('uWebSockets.js cannot listen');
  ready(uws.us_socket_local_port(token));
});
