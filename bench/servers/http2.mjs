// An echo server over HTTP/2: ours, `ws` by its `setSocket`, which has no HTTP/2 of its own, or streams with canned answers.
import http2 from 'node:http2';
import { BINARY, makeFrame } from '../lib/frames.mjs';
import { done, ready, settings } from './control.mjs';

const MODULES = { ws: 'ws', wsimd: '../../dist/index.js', canned: 'node:http2' };
const { WebSocketServer, WebSocket } = await import(MODULES[settings.library]);

/** The same lines for both. */
function echo(websocket) {
  websocket.on('message', (data, isBinary) => {
    done.count++;
    websocket.send(data, { binary: isBinary });
  });
}

/** The least that a server can do by Node's public streams: counts bytes, and writes a frame that was made before. */
function can(stream) {
  const asked = makeFrame(BINARY, Buffer.alloc(settings.length), true).length;
  const answer = makeFrame(BINARY, Buffer.alloc(settings.length), false);
  let got = 0;
  stream.on('data', (chunk) => {
    got += chunk.length;
    const count = Math.floor(got / asked);
    got -= count * asked;
    done.count += count;
    if (count > 0) stream.write(count === 1 ? answer : Buffer.concat(Array(count).fill(answer)));
  });
}

const server = http2.createServer({ settings: { enableConnectProtocol: true } });
if (settings.library === 'canned') {
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    can(stream);
  });
} else if (settings.library === 'ws') {
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    const websocket = new WebSocket(null, undefined, {});
    // What `setSocket` of `ws` calls on a net.Socket.
    stream.setNoDelay = () => {};
    websocket.setSocket(stream, Buffer.alloc(0), {
      allowSynchronousEvents: true,
      maxPayload: 100 * 1024 * 1024,
      skipUTF8Validation: false,
    });
    echo(websocket);
  });
} else {
  new WebSocketServer({ server }).on('connection', echo);
}
server.listen(0, '127.0.0.1', () => ready(server.address().port));
