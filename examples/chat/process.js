// One process of the chat: the page, and its share of the connections. `index.js` starts two of it.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { WebSocketServer } from 'wsimd';
import { openRooms, openTopics } from './rooms.js';

const { name, port, ports, engine } = JSON.parse(process.argv[2]);
const file = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const FILES = {
  '/': ['text/html', file('page.html').replace('[/* ports */]', JSON.stringify(ports))],
  '/room.js': ['text/javascript', file('room.js')],
};
const origins = ports.flatMap((each) => [`http://127.0.0.1:${each}`, `http://localhost:${each}`]);

const http = createServer((request, response) => {
  const { method, url, headers } = request;
  const isOurs = headers.origin !== undefined && origins.includes(headers.origin);
  const [pathname] = url.split('?');
  if (method === 'GET' && pathname in FILES) {
    const [type, text] = FILES[pathname];
    response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' }).end(text);
  } else if (method === 'POST' && isOurs && url === '/kill') {
    // As a crash would: nothing is said to anybody.
    process.kill(process.pid, 'SIGKILL');
  } else if (method === 'POST' && isOurs && url === '/restart') {
    response.writeHead(202, { 'Access-Control-Allow-Origin': headers.origin }).end();
    void end();
  } else {
    response.writeHead(404).end();
  }
});
const server = new WebSocketServer({ server: http, allowedOrigins: origins, perMessageDeflate: 'shared' });
const closeRooms = openRooms(server, await openTopics(engine), name);
http.listen(port, '127.0.0.1');

/** A deploy would end it like this, too. */
async function end() {
  http.close();
  await closeRooms(500);
  process.exit();
}
process.once('SIGTERM', end);
// Ctrl-C comes to all processes of a terminal: the launcher says when this one ends.
process.on('SIGINT', () => {});
process.once('disconnect', end);
