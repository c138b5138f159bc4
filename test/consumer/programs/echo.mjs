// A client and a server of the same process that talk over a real socket; prints `kernels NAME` and `echo ok`.
import WebSocket, { WebSocketServer } from 'wsimd';
import { kernels } from 'wsimd/codec';

console.log(`kernels ${kernels.name}`);
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (ws) => ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary })));
await new Promise((resolve) => server.once('listening', resolve));

const texts = ['', 'short', 'Käthe 東京 🎉 '.repeat(2000)];
const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
const received = [];
await new Promise((resolve, reject) => {
  client.on('error', reject);
  client.on('open', () => texts.forEach((text) => client.send(text)));
  client.on('message', (data, isBinary) => {
    received.push(isBinary ? 'binary' : Buffer.from(data).toString());
    if (received.length === texts.length) client.close(1000, 'done');
  });
  client.on('close', (code, reason) => (code === 1000 && String(reason) === 'done' ? resolve() : reject(code)));
});
if (texts.some((text, i) => text !== received[i])) throw new Error('the echo differs');
server.close();
console.log('echo ok');
