// A process with many WebSocket clients: says 'open' once all are, and when all are closed the code and the number of bytes
// received of each.
import { once } from 'node:events';
import { WebSocket } from '../../dist/index.js';

const [url, count] = process.argv.slice(2);
const OPENING = 100;
const ends = [];
let open = 0;
while (open < Number(count)) {
  const clients = Array.from({ length: Math.min(OPENING, Number(count) - open) }, () => new WebSocket(url));
  for (const client of clients) {
    let bytes = 0;
    client.on('message', (data) => (bytes += data.length));
    client.on('close', (code) => {
      ends.push([code, bytes]);
      if (ends.length === Number(count)) process.send(ends, () => process.disconnect());
    });
  }
  await Promise.all(clients.map((client) => once(client, 'open')));
  open += clients.length;
}
process.send('open');
