'use strict';

// The name under which a receiver of an open connection holds its WebSocket.
module.exports = { kWebSocket: Symbol.for('wsimd:websocket') };
