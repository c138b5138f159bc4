// A client and a server of the same process that talk over one HTTP/2 session; prints `http2 ok`.
import { once } from 'node:events';
import http2 from 'node:http2';
import WebSocket, { WebSocketServer } from 'wsimd';

const server = http2.createServer((_request, response) => response.end('page'));
const wss = new WebSocketServer({ server, perMessageDeflate: true });
const closed = [];
wss.on('connection', (ws, { httpVersion }) => {
  if (httpVersion !== '2.0') throw new Error(`the server has HTTP/${httpVersion}`);
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
  ws.on('close', (code) => closed.push(code));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `ws://127.0.0.1:${server.address().port}/`;

/** One message after another, as the writes of a stream differ from the first on. */
async function talk(options) {
  const client = new WebSocket(url, { http2: true, ...options });
  await once(client, 'open');
  for (const text of ['short', 'x'.repeat(300_000), 'Käthe 東京 🎉 '.repeat(2000), '']) {
    client.send(text);
    const [data] = await once(client, 'message');
    if (Buffer.from(data).toString() !== text) throw new Error('the echo differs');
  }
  const got = [];
  const all = new Promise((resolve) => {
    client.on('message', (data) => got.push(Buffer.from(data).toString()) === 5 && resolve());
  });
  for (let at = 0; at < 5; at++) client.send(String(at));
  await all;
  if (got.join() !== '0,1,2,3,4') throw new Error('the order differs');
  client.close(1000, 'done');
  const [code] = await once(client, 'close');
  if (code !== 1000) throw new Error(`closed with ${code}`);
}

await Promise.all([talk({}), talk({ perMessageDeflate: false }), talk({ perMessageDeflate: false })]);
while (closed.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
if (closed.some((code) => code !== 1000)) throw new Error(`the server closed with ${closed.join()}`);
server.close();
console.log('http2 ok');
process.exit();
