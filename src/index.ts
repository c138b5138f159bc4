// The front door `wsimd`, shaped like `ws`: the WebSocket class with everything else on it and beside it.
import { WebSocketServer } from './node/server.js';
import { createWebSocketStream } from './node/stream.js';
import { WebSocket } from './node/websocket.js';

Object.assign(WebSocket, { WebSocket, WebSocketServer, Server: WebSocketServer, createWebSocketStream });

export { createWebSocketStream, WebSocket, WebSocketServer };
export default WebSocket;
