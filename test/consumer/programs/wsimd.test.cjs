// A test as Jest runs it in a CommonJS project: the package is required in its sandbox.
const WebSocket = require('wsimd');
const { kernels } = require('wsimd/codec');

test('a client and a server talk', async () => {
  const server = new WebSocket.Server({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (ws) => ws.on('message', (data) => ws.send(`you said ${Buffer.from(data).toString()}`)));
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  client.on('open', () => client.send('hello'));
  const answer = await new Promise((resolve) => client.once('message', resolve));
  expect(answer.toString()).toBe('you said hello');
  expect(kernels.name).toBe('wasm-simd');
  client.close();
  await new Promise((resolve) => client.once('close', resolve));
  await new Promise((resolve) => server.close(resolve));
});
