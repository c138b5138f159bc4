// Examines a WebSocket library's server and client with our suite, all cases in both roles, and writes the reports. By default that is our
// own library, of which nothing is accepted but what is strict; `--peer ws` takes the package ws with its limit of fragments lifted, and
// `--peer ws-defaults` as it comes. Other arguments are handed on to `wsimd conformance`, for instance `-- --cases '1.*,6.4.*'`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { WebSocket } from '../dist/index.js';

/** What examines whom: the module, the options of its server and client, and what the suite is told. */
const PEERS = {
  wsimd: { module: '../dist/index.js', options: { strictHandshake: true }, arguments: ['--strict'] },
  ws: { module: 'ws', options: { maxFragments: 0 }, arguments: [] },
  'ws-defaults': { module: 'ws', options: {}, arguments: [] },
};

const SELF = fileURLToPath(import.meta.url);
const PROGRAM = fileURLToPath(new URL('../dist/cli/index.js', import.meta.url));
/** How many cases the client runs side by side; the heavy groups are limited by the machine, not by waiting. */
const LANES = 8;

const given = process.argv.slice(2);
if (given[0] === 'echo') await serveEcho(PEERS[given[1]]);
else {
  const at = given.indexOf('--peer');
  const [, name] = at < 0 ? [undefined, 'wsimd'] : given.splice(at, 2);
  if (!Object.hasOwn(PEERS, name)) throw new Error(`--peer is one of ${Object.keys(PEERS).join(', ')}.`);
  const rest = [...PEERS[name].arguments, ...given];
  const server = await timed('server', examineServer(name, rest));
  process.exitCode = Math.max(server, await timed('client', examineClient(name, rest)));
}

async function timed(role, examination) {
  const begun = performance.now();
  const status = await examination;
  console.log(`As ${role}: ${((performance.now() - begun) / 1000).toFixed(1)} s, exit status ${status}.\n`);
  return status;
}

/** Loaded into a child: at its end it says how much CPU time its process took, and on Linux how much of that its main thread. */
function telling(whose) {
  const program = `import { readFileSync } from 'node:fs';
  process.once('exit', () => {
    const { user, system } = process.cpuUsage();
    const seconds = (hundredths) => (hundredths / 100).toFixed(1);
    let main = '';
    if (process.platform === 'linux') {
      const [user, system] = readFileSync('/proc/thread-self/stat', 'utf8').split(') ')[1].split(' ').slice(11, 13);
      main = '; its main thread took ' + seconds(Number(user) + Number(system)) + ' s of it';
    }
    process.stderr.write('CPU time of ${whose}: ' + seconds((user + system) / 1e4) + ' s' + main + '.\\n');
  });`;
  return ['--import', `data:text/javascript,${encodeURIComponent(program)}`];
}

async function serveEcho({ module, options }) {
  const { WebSocketServer } = await import(module);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true, ...options });
  server.on('connection', echo);
  server.on('listening', () => process.send(server.address().port));
  process.on('disconnect', () => process.exit());
}

function echo(websocket) {
  websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
  websocket.on('error', () => {});
}

async function examineServer(name, rest) {
  const server = spawn(process.execPath, [...telling('the server'), SELF, 'echo', name], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = await once(server, 'message');
  const child = suite(['server', `ws://127.0.0.1:${port}`, '--agent', name, ...rest], 'inherit');
  const [status] = await once(child, 'exit');
  const ended = once(server, 'exit');
  server.disconnect();
  await ended;
  return status;
}

async function examineClient(name, rest) {
  const child = suite(['client', '--port', '0', ...rest], 'pipe');
  const ended = once(child, 'exit').then(([status]) => status);
  const url = await Promise.race([listening(child.stdout), ended.then(() => null)]);
  if (url === null) return ended;
  const counting = new WebSocket(`${url}/getCaseCount`);
  const [count] = await once(counting, 'message');
  const { WebSocket: Client } = await import(PEERS[name].module);
  let next = 1;
  const lane = async () => {
    while (next <= Number(count)) await runCase(Client, `${url}/runCase?case=${next++}&agent=${name}`, name);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await runCase(Client, `${url}/updateReports?agent=${name}&shutdownOnComplete=true`, name);
  const status = await ended;
  const { user, system } = process.cpuUsage();
  console.log(`CPU time of the client: ${((user + system) / 1e6).toFixed(1)} s.`);
  return status;
}

function suite(args, stdout) {
  return spawn(process.execPath, [...telling('the suite'), PROGRAM, 'conformance', ...args], {
    stdio: ['ignore', stdout, 'inherit'],
  });
}

/** Passes on what the suite says, and resolves with the URL that it says it listens on. */
function listening(stdout) {
  return new Promise((resolve) => {
    stdout.on('data', (text) => {
      process.stdout.write(text);
      const said = /^Listening on (\S+)/.exec(text);
      if (said !== null) resolve(said[1]);
    });
  });
}

/** Echoes until the suite's server is done with the case. */
function runCase(Client, url, name) {
  return new Promise((resolve) => {
    const websocket = new Client(url, PEERS[name].options);
    echo(websocket);
    websocket.on('close', resolve);
  });
}
