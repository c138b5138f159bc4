// A WebSocketServer class in the shape of `ws` -> the server that the bench asked for: the same lines for ours and for `ws`.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { makeMessages } from '../lib/records.mjs';
import { done, ready, settings } from './control.mjs';

/** @param toAll sends one message to every connection, where the class has a way of its own */
export function serve(WebSocketServer, toAll) {
  const { work, burst, length, tls, deflate = false, isJson = false } = settings;
  const https =
    tls === undefined ? undefined : createServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) });
  const server =
    https === undefined
      ? new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: deflate })
      : new WebSocketServer({ server: https });
  const messages = isJson ? makeMessages(length, 64) : [Buffer.alloc(length ?? 0, 'x')];
  let turn = 0;
  const next = () => messages[turn++ % messages.length];

  const handlers = {
    echo: (ws) => {
      ws.on('message', (d, isBinary) => {
        done.count++;
        ws.send(d, { binary: isBinary });
      });
    },
    loop: (ws) => {
      ws.on('message', () => {
        for (let i = 0; i < burst; i++) {
          const message = next();
          for (const client of server.clients) client.send(message);
        }
        done.count += burst * server.clients.size;
      });
    },
    broadcast: (ws) => {
      ws.on('message', () => {
        for (let i = 0; i < burst; i++) toAll(server, next());
        done.count += burst * server.clients.size;
      });
    },
  };
  server.on('connection', (ws) => {
    ws.on('error', (error) => {
      throw error;
    });
    handlers[work](ws);
  });
  if (https === undefined) server.on('listening', () => ready(server.address().port));
  else https.listen(0, '127.0.0.1', () => ready(https.address().port));
}
