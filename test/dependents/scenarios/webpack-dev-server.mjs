// webpack-dev-server tells its clients of every build, refuses a foreign origin, and lets them go when it stops.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import webpack from 'webpack';
import WebpackDevServer from 'webpack-dev-server';
import WebSocket from 'ws';
import { event, finish, until } from './support.mjs';

const directory = path.resolve('webpack-dev-server');
await mkdir(directory);
const entry = path.join(directory, 'entry.js');
await writeFile(entry, 'console.log(1)');
const compiler = webpack({
  mode: 'development',
  entry,
  output: { path: directory },
  infrastructureLogging: { level: 'none' },
  stats: 'none',
});
const server = new WebpackDevServer({ port: 'auto', host: '127.0.0.1', hot: true }, compiler);
await server.start();
const { port } = server.server.address();
function dial(origin) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { origin });
  const messages = [];
  socket.on('message', (data) => messages.push(JSON.parse(data)));
  return { socket, messages, has: (type) => () => messages.some((message) => message.type === type) };
}

const { socket, messages, has } = dial(`http://127.0.0.1:${port}`);
await until(has('ok'));
assert.ok(has('hot')() && has('hash')());
messages.length = 0;
await writeFile(entry, 'console.log(2)');
await until(has('ok'));
messages.length = 0;
await writeFile(entry, 'console.log(');
await until(has('errors'));

const foreign = dial('http://elsewhere.example');
assert.equal((await event(foreign.socket, 'close'))[0], 1005);
assert.deepEqual(foreign.messages, [{ type: 'error', data: 'Invalid Host/Origin header' }]);

const closed = event(socket, 'close');
await server.stop();
assert.equal((await closed)[0], 1006);
finish('builds, a change, an error, a foreign origin, the end', ['webpack-dev-server']);
