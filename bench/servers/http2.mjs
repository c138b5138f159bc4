// An echo server over HTTP/2: ours, or `ws` by its `setSocket`, which has no HTTP/2 of its own.
import http2 from 'node:http2';
import { done, ready, settings } from './control.mjs';

const { WebSocketServer, WebSocket } = await import(settings.library === 'ws' ? 'ws' : '../../dist/index.js');

/** The same lines for both. */
function echo(websocket) {
  websocket.on('message', (data, isBinary) => {
    done.count++;
    websocket.send(data, { binary: isBinary });
  });
}

const server = http2.createServer({ settings: { enableConnectProtocol: true } });
if (settings.library === 'ws') {
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
