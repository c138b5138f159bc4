// A client with the options of TLS, proxies, redirects and compression.
import { Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import net from 'node:net';
import WebSocket, { type ClientOptions, type PerMessageDeflateOptions } from 'ws';

const deflate: PerMessageDeflateOptions = {
  serverMaxWindowBits: 10,
  clientNoContextTakeover: true,
  zlibDeflateOptions: { level: 3, memLevel: 7 },
  zlibInflateOptions: { chunkSize: 10 * 1024 },
  concurrencyLimit: 4,
};
const options: ClientOptions = {
  agent: new Agent({ keepAlive: false }),
  headers: { 'User-Agent': 'sample' },
  followRedirects: true,
  maxRedirects: 3,
  handshakeTimeout: 5000,
  maxPayload: 1 << 20,
  origin: 'https://example.test',
  perMessageDeflate: deflate,
  rejectUnauthorized: false,
  ca: [Buffer.from('certificate')],
  checkServerIdentity: (_name, certificate) => certificate !== undefined,
  createConnection: net.createConnection,
  finishRequest: (request, websocket) => {
    request.setHeader('X-State', websocket.readyState);
    request.end();
  },
  generateMask: (mask) => void mask.fill(7),
  skipUTF8Validation: true,
};
const ws = new WebSocket(new URL('wss://example.test/feed?x=1'), ['v1', 'v2'], options);
const plain = new WebSocket('ws://127.0.0.1', { headers: { a: ['b', 'c'] }, timeout: 3 });

ws.on('open', () => ws.send(Buffer.from('first'), { compress: false, fin: true }, (error) => console.log(error?.name)));
ws.on('upgrade', (response: IncomingMessage) => console.log(response.headers['set-cookie']?.join()));
ws.on('redirect', (url, request) => request.setHeader('X-From', url));
ws.on('unexpected-response', (request: ClientRequest, response: IncomingMessage) => {
  console.log(response.statusCode);
  request.destroy();
});
ws.on('message', (data: Buffer) => console.log(data.readUInt8(0)));
const state: 0 | 1 | 2 | 3 = plain.readyState;
console.log(state, ws.protocol.length, ws.extensions.length, ws.url.length, ws.bufferedAmount.toFixed(), ws.isPaused);
