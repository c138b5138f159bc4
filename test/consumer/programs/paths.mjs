// This program prints which ways to take a request, read a socket, write to it and call zlib are taken here, on a compressed echo, as `read PATH`, ....
import zlib from 'node:zlib';
import WebSocket, { WebSocketServer } from 'wsimd';

// The public way calls these functions.
let zlibPath = 'handle';
for (const name of ['inflateRawSync', 'deflateRawSync']) {
  const original = zlib[name];
  zlib[name] = (...args) => {
    zlibPath = 'public';
    return original(...args);
  };
}

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
const seen = new Set();
let acceptPath;
server.on('connection', (ws, request) => {
  // A parser of node:http leaves its mark on the socket.
  acceptPath = Object.hasOwn(request.socket, 'parser') ? 'http' : 'direct';
  // The stream gets nothing while the socket reads into the kernels' memory. A listener of 'data' would end that.
  const { push } = ws._socket;
  ws._socket.push = function (chunk, ...rest) {
    if (chunk !== null) seen.add('data');
    return push.call(this, chunk, ...rest);
  };
  // Each read and write puts off the timeout of the socket; a write does so from within the stream or not.
  const { _unrefTimer } = ws._socket;
  ws._socket._unrefTimer = function () {
    if (!/_writeGeneric|onStreamRead/.test(new Error().stack)) seen.add('direct');
    _unrefTimer.call(this);
  };
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
});
await new Promise((resolve) => server.once('listening', resolve));
const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
await new Promise((resolve) => client.once('open', resolve));
const text = 'a text that is longer than the threshold '.repeat(100);
for (let i = 0; i < 3; i++) {
  client.send(text);
  const data = await new Promise((resolve) => client.once('message', resolve));
  if (Buffer.from(data).toString() !== text) throw new Error('the echo differs');
}
if (client.extensions !== 'permessage-deflate') throw new Error('nothing was compressed');
client.close();
await new Promise((resolve) => client.once('close', resolve));
server.close();
console.log(`accept ${acceptPath}`);
console.log(`read ${seen.has('data') ? 'data' : 'landing'}`);
console.log(`write ${seen.has('direct') ? 'direct' : 'stream'}`);
console.log(`zlib ${zlibPath}`);
