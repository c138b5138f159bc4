// opentelemetry-instrumentation-ws: each of its spans for one connection, with a message and its echo.
import assert from 'node:assert/strict';
import { event, finish, listening, require } from './support.mjs';

const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node');
const { WSInstrumentation } = require('opentelemetry-instrumentation-ws');

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
const instrumentation = new WSInstrumentation();
// Its constructor forgets the configuration.
instrumentation.setConfig({ sendSpans: true, messageEvents: true });
instrumentation.setTracerProvider(provider);

const http = require('node:http');
const WebSocket = require('ws');
const server = http.createServer();
const wss = new WebSocket.Server({ server, WebSocket });
wss.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
const port = await listening(server);
const client = new WebSocket(`ws://127.0.0.1:${port}`);
await event(client, 'open');
const echo = event(client, 'message');
client.send('text');
await echo;
const closed = event(client, 'close');
client.close(1000);
await closed;
wss.close();
await new Promise((resolve) => server.close(resolve));

const spans = exporter.getFinishedSpans();
const names = spans.map(({ name }) => name).sort();
// The client's Close, the server's answer, and that the client takes it: three calls of close.
const closes = 'WS close, WS close, WS close';
const expected = `HTTP GET WS, ${closes}, WS connect, WS open, WS open, WS send, WS send, WS upgrade`;
assert.equal(names.join(', '), expected);
for (const { name, events } of spans) {
  if (name === 'WS open')
    assert.deepEqual(
      events.map((each) => each.name),
      ['ws.incoming-message'],
    );
}
finish(`${names.length} spans of both ends`, []);
