// An echo server of Deno: deno run -A server-deno.mjs PORT
Deno.serve({ port: Number(Deno.args[0]), hostname: '127.0.0.1' }, (request) => {
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return new Response('no', { status: 400 });
  try {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => socket.send(data);
    socket.onerror = () => {};
    return response;
  } catch (error) {
    return new Response(String(error), { status: 400 });
  }
});
