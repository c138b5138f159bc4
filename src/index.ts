// The front door `wsimd`, shaped like `ws`, is the `WebSocket` class with all other exports on it and beside it. Its public
// types stand in index.d.cts; scripts/post.mjs makes the door for `require` and the one for `import` from this file.
import { extension } from './node/compat/extension.js';
import { PerMessageDeflate } from './node/compat/permessage-deflate.js';
import { Receiver } from './node/compat/receiver.js';
import { Sender } from './node/compat/sender.js';
import { subprotocol } from './node/compat/subprotocol.js';
import { WebSocketServer } from './node/server.js';
import { createWebSocketStream } from './node/stream.js';
import { WebSocket } from './node/websocket.js';

Object.assign(WebSocket, {
  WebSocket,
  WebSocketServer,
  Server: WebSocketServer,
  createWebSocketStream,
  Receiver,
  Sender,
  PerMessageDeflate,
  extension,
  subprotocol,
});

export {
  createWebSocketStream,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  WebSocket,
  WebSocketServer,
};
export default WebSocket;
