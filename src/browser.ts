// `WebSocket` of the front door is the platform's own where there are no sockets, in browsers and Workers.
// In place of all that needs Node stands a function that says so when it is used. The codec, `wsimd/codec`, works there.
import { extension } from './node/compat/extension.js';
import { subprotocol } from './node/compat/subprotocol.js';

/** Stands for a class or function that a browser lacks; throws an Error when it is called, with `new` or without. */
type Absent = () => never;

function absent(name: string): Absent {
  return function () {
    throw new Error(
      `${name} of wsimd needs the sockets of Node.js, Bun or Deno, which are not here: ` +
        'use the native WebSocket, and wsimd/codec for frames and connections without sockets',
    );
  };
}

export const createWebSocketStream: Absent = absent('createWebSocketStream');
export const PerMessageDeflate: Absent = absent('PerMessageDeflate');
export const Receiver: Absent = absent('Receiver');
export const Sender: Absent = absent('Sender');
export const WebSocketServer: Absent = absent('WebSocketServer');

/** The platform's own class. */
export const WebSocket: typeof globalThis.WebSocket = globalThis.WebSocket;

export { extension, subprotocol };
export default WebSocket;
