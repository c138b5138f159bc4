// dd-trace: its spans of a server's connection, a message and its answer; required after dd-trace, and imported with its loader.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { finish } from './support.mjs';

const CONVERSATION = `
const tracer = require('dd-trace').init({ startupLogs: false });
const seen = new Set();
const processor = tracer._tracer._processor;
const { process: processSpan } = processor;
processor.process = function (span) {
  const { _name: name, _tags: tags } = span.context();
  seen.add([name, tags['resource.name'], tags['websocket.message.type'], tags['websocket.message.length']].join(' ').trim());
  return processSpan.apply(this, arguments);
};
const http = require('node:http');
(async () => {
  const { WebSocket, WebSocketServer } = await load();
  const event = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve));
  const server = http.createServer();
  const wss = new WebSocketServer({ server });
  wss.on('connection', (ws) => ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary })));
  server.listen(0, '127.0.0.1');
  await event(server, 'listening');
  const client = new WebSocket('ws://127.0.0.1:' + server.address().port + '/chat');
  await event(client, 'open');
  const echo = event(client, 'message');
  client.send('text');
  await echo;
  const closed = event(client, 'close');
  client.close(1000);
  await closed;
  wss.close();
  await new Promise((resolve) => server.close(resolve));
  console.log(JSON.stringify([...seen].filter((name) => name.startsWith('web')).sort()));
  process.exit();
})();
`;
const WAYS = {
  require: { load: `const load = () => require('ws');`, flags: [] },
};
// dd-trace 5.132 sees nothing of ws itself that is imported so, on Node.js 20.
if (process.env.EXPECTED_PACKAGE === 'wsimd') {
  WAYS.import = { load: `const load = () => import('ws');`, flags: ['--import', 'dd-trace/register.js'] };
}

for (const [way, { load, flags }] of Object.entries(WAYS)) {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', load + CONVERSATION], {
    env: { ...process.env, DD_TRACE_WEBSOCKET_MESSAGES_ENABLED: 'true', DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false' },
    timeout: 30_000,
  });
  const spans = JSON.parse(stdout);
  assert.deepEqual(
    spans,
    [
      'web.request GET /chat',
      'websocket.close websocket /chat',
      'websocket.receive websocket /chat text 4',
      'websocket.send websocket /chat text 4',
    ],
    `spans of ws by ${way}`,
  );
}
finish(`4 of 4 spans by ${Object.keys(WAYS).join(' and ')}`, []);
