// What is ours beyond `ws`.
import WebSocket, { WebSocketServer, type CloseInfo, type SharedOptions } from 'wsimd';
import { Connection, EventType, FrameDecoder, kernels, Role } from 'wsimd/codec';

const shared: SharedOptions = {
  heartbeat: { interval: 20_000, timeout: 5000 },
  maxBackpressure: 1 << 20,
  text: 'string',
};
const server = new WebSocketServer({
  ...shared,
  port: 0,
  allowedOrigins: ['https://example.test'],
  maxConnections: 100,
});
server.on('connectionError', (error, websocket) => console.log(error.message, websocket.closeInfo));
server.broadcast('news', { filter: (websocket) => websocket.protocol === 'news' });

async function talk(signal: AbortSignal): Promise<CloseInfo | undefined> {
  const ws = new WebSocket('ws://127.0.0.1', { signal, statistics: true, perMessageDeflate: 'shared' });
  ws.on('drain', () => console.log(ws.needDrain, ws.statistics?.sent.octets));
  for await (const { data, isBinary } of ws) ws.send(data, { binary: isBinary });
  return ws.closeInfo;
}
void talk(AbortSignal.timeout(1000));

const connection = new Connection({ role: Role.Server });
connection.receive(Uint8Array.of(0x81, 0x80, 0, 0, 0, 0));
const event = connection.next();
if (event?.type === EventType.Message) console.log(event.data, event.isBinary);
const decoder: FrameDecoder = new FrameDecoder({ role: Role.Client });
console.log(decoder.violation, kernels.name);

// A string is found as one, and what else may come is not lost.
const texts = new WebSocket('ws://127.0.0.1', {
  text: 'string',
  perMessageDeflate: { zlibPath: 'public', threshold: 0 },
});
texts.on('message', (data) => {
  if (typeof data === 'string') console.log(data.toUpperCase());
  else console.log(Array.isArray(data) ? data.length : data.byteLength);
});
server.on('connection', (websocket) => {
  websocket.binaryType = 'blob';
  websocket.on('message', (data, isBinary) => console.log(typeof data === 'string' ? data.trim() : isBinary));
});
