// An echo server of the package `ws` or of wsimd: node server-ws.mjs MODULE PORT
const { WebSocketServer } = await import(process.argv[2]);
const server = new WebSocketServer({
  port: Number(process.argv[3]),
  host: '127.0.0.1',
  maxPayload: 64 * 1024 * 1024,
  maxFragments: 0,
  perMessageDeflate: { threshold: 0 },
});
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});
