// `npm run bench:proxy`: the processor time that `wsimd proxy` takes for each message of 125 bytes that passes, one under way on each of
// 50 connections, beside a program that pipes two sockets into each other. `-- --smoke` runs one round, `-- --only <text>` some ways.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from '../dist/index.js';
import { isSmoke, only } from './lib/times.mjs';

const SELF = fileURLToPath(import.meta.url);
const PROGRAM = fileURLToPath(new URL('../dist/cli/index.js', import.meta.url));
const RECORDING = path.join(tmpdir(), `wsimd-bench-${process.pid}.jsonl`);
const ROUNDS = isSmoke ? 1 : 7;
const SECONDS = isSmoke ? 0.5 : 2;
const CONNECTIONS = 50;
const SIZE = 125;

/** The ways through: the arguments of the proxy, or the bare pipe. */
const WAYS = {
  'two sockets piped': undefined,
  'proxy --quiet': ['--quiet'],
  'proxy --quiet --page 0': ['--quiet', '--page', '0'],
  'proxy --quiet --record FILE': ['--quiet', '--record', RECORDING],
  'proxy > /dev/null': [],
};

const [role, ...rest] = process.argv.slice(2);
if (role === 'echo') await echo();
else if (role === 'pipe') pipe(Number(rest[0]));
else await run();

async function echo() {
  const { WebSocketServer } = await import('../dist/index.js');
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (websocket) => websocket.on('message', (data, binary) => websocket.send(data, { binary })));
  await once(server, 'listening');
  process.send(server.address().port);
}

function pipe(port) {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const target = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    client.pipe(target).pipe(client);
    for (const socket of [client, target]) socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1', () => console.error(`Passing ws://127.0.0.1:${server.address().port} on`));
}

async function run() {
  const server = fork(SELF, ['echo']);
  const [target] = await once(server, 'message');
  const names = Object.keys(WAYS).filter((name) => name.includes(only));
  const costs = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) costs[name].push(await costOf(WAYS[name], target));
  }
  server.kill();
  rmSync(RECORDING, { force: true });
  console.log(
    `Processor time in microseconds a message of ${SIZE} bytes, 1 deep on ${CONNECTIONS} connections, medians of ${ROUNDS}:`,
  );
  for (const name of names) {
    const floor = costs[names[0]];
    const more = median(costs[name].map((cost, at) => cost - floor[at]));
    console.log(
      `${name.padEnd(30)} ${median(costs[name]).toFixed(2).padStart(6)}   ${more >= 0 ? '+' : ''}${more.toFixed(2)}`,
    );
  }
}

/** Microseconds of the proxy's processor time for each message that passed. */
async function costOf(args, target) {
  const words =
    args === undefined ? [SELF, 'pipe', target] : [PROGRAM, 'proxy', '0', `ws://127.0.0.1:${target}`, ...args];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  while (!said.includes(' on')) said += String((await once(child.stderr, 'data'))[0]);
  const [, url] = /Passing (ws:\S+)/.exec(said);
  const websockets = await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const websocket = new WebSocket(url, { perMessageDeflate: false });
      await once(websocket, 'open');
      return websocket;
    }),
  );
  let trips = 0;
  const message = Buffer.alloc(SIZE, 'x');
  for (const websocket of websockets) {
    websocket.on('message', () => {
      trips++;
      websocket.send(message);
    });
    websocket.send(message);
  }
  await pause(SECONDS / 2);
  const [tripsBefore, before] = [trips, cpuOf(child.pid)];
  await pause(SECONDS);
  const cost = (cpuOf(child.pid) - before) / 1000 / (2 * (trips - tripsBefore));
  for (const websocket of websockets) websocket.terminate();
  child.kill();
  await once(child, 'exit');
  return cost;
}

/** Nanoseconds that all threads of a process have run (Linux). */
function cpuOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce(
    (sum, id) => sum + Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]),
    0,
  );
}

function pause(seconds) {
  return new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
}

function median(values) {
  return values.toSorted((one, other) => one - other)[values.length >> 1];
}
