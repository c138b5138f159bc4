// The same class by `require` and by `import`, and an echo between instances of it; prints `same CLASS` and `echo ok`.
const assert = require('node:assert/strict');
const WebSocket = require('wsimd');
const codec = require('wsimd/codec');

assert.equal(typeof WebSocket, 'function');
assert.equal(WebSocket.WebSocket, WebSocket);
assert.equal(WebSocket.Server, WebSocket.WebSocketServer);
const names = ['createWebSocketStream', 'Receiver', 'Sender', 'PerMessageDeflate', 'extension', 'subprotocol'];
for (const name of names) assert.ok(WebSocket[name], name);

async function main() {
  const imported = await import('wsimd');
  const importedCodec = await import('wsimd/codec');
  const same = imported.default === WebSocket && importedCodec.Connection === codec.Connection;
  console.log(`same ${same}`);

  const server = new WebSocket.Server({ port: 0, host: '127.0.0.1' });
  server.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
  await new Promise((resolve) => server.once('listening', resolve));
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  client.on('open', () => client.send(Buffer.from([1, 2, 3])));
  const data = await new Promise((resolve) => client.once('message', resolve));
  assert.deepEqual([...data], [1, 2, 3]);
  client.close();
  await new Promise((resolve) => client.once('close', resolve));
  server.close();
  console.log('echo ok');
}
void main();
