// Runs every case as a client: node client.mjs MODULE, where MODULE exports a WebSocket; "global" takes the runtime's own.
const module = process.argv[2];
const loaded = module === 'global' ? globalThis : await import(module);
const WebSocket = loaded.WebSocket ?? loaded.default?.w3cwebsocket ?? loaded.default?.Client;
const url = process.env.WSIMD_URL;
const agent = encodeURIComponent(process.env.WSIMD_AGENT ?? module);

function converse(path) {
  return new Promise((resolve) => {
    let last = null;
    const socket = new WebSocket(url + path);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => {
      last = data;
      socket.send(data);
    };
    // Some tell of a failed handshake by an error alone.
    socket.onerror = () => setTimeout(() => resolve(last), 500);
    socket.onclose = () => resolve(last);
  });
}

// What neither fails nor closes ends the run, so that it is seen.
setInterval(() => {}, 1000);
const count = Number(await converse('/getCaseCount'));
for (let number = 1; number <= count; number++) await converse(`/runCase?case=${number}&agent=${agent}`);
process.exit(0);
