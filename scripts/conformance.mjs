// Examines this library's own server and client with its own suite, all cases in both roles, and writes the reports.
// Arguments are handed on to `wsimd conformance`, for instance `-- --cases '1.*,6.4.*'`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from '../dist/index.js';

const PROGRAM = new URL('../dist/cli/index.js', import.meta.url).pathname;
/** How many cases the client runs side by side; the heavy groups are limited by the machine, not by waiting. */
const LANES = 4;

if (process.argv[2] === 'echo') serveEcho();
else
  process.exitCode = Math.max(await examineServer(process.argv.slice(2)), await examineClient(process.argv.slice(2)));

function serveEcho() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  server.on('connection', (websocket) => {
    websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
  });
  server.on('listening', () => process.send(server.address().port));
  process.on('disconnect', () => process.exit());
}

async function examineServer(given) {
  const server = spawn(process.execPath, [process.argv[1], 'echo'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [port] = await once(server, 'message');
  const status = await suite(['server', `ws://127.0.0.1:${port}`, '--agent', 'wsimd', ...given]);
  server.disconnect();
  return status;
}

async function examineClient(given) {
  const child = spawn(process.execPath, [PROGRAM, 'conformance', 'client', '--port', '9317', ...given], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = once(child, 'exit');
  const url = 'ws://127.0.0.1:9317';
  const count = Number(await ask(`${url}/getCaseCount`));
  let next = 1;
  const lane = async () => {
    while (next <= count) await runCase(`${url}/runCase?case=${next++}&agent=wsimd`);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await runCase(`${url}/updateReports?agent=wsimd&shutdownOnComplete=true`);
  const [status] = await ended;
  return status;
}

async function suite(args) {
  const [status] = await once(spawn(process.execPath, [PROGRAM, 'conformance', ...args], { stdio: 'inherit' }), 'exit');
  return status;
}

/** The first message at `url`; the suite's server may need a moment before it listens. */
async function ask(url) {
  for (;;) {
    const websocket = new WebSocket(url);
    try {
      const [data] = await once(websocket, 'message');
      return data;
    } catch (error) {
      if (error.code !== 'ECONNREFUSED') throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Echoes until the suite's server is done with the case. */
function runCase(url) {
  return new Promise((resolve) => {
    const websocket = new WebSocket(url);
    websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
    websocket.on('error', () => {});
    websocket.on('close', resolve);
  });
}
