// An echo server of Bun: bun server-bun.mjs PORT
Bun.serve({
  port: Number(process.argv[2]),
  hostname: '127.0.0.1',
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response('no', { status: 400 })),
  websocket: {
    maxPayloadLength: 64 * 1024 * 1024,
    perMessageDeflate: true,
    message: (socket, message) => void socket.send(message, true),
  },
});
