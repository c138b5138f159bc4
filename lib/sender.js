'use strict';

module.exports = require('../dist/ws.cjs').Sender;
