'use strict';

module.exports = require('../dist/ws.cjs').WebSocketServer;
