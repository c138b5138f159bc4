// `npm run bench:replay`: how far from its recorded time each message of `wsimd replay` reaches a server. A session of 2,000 messages
// at irregular times passes `wsimd proxy --record`, and is played. `-- --smoke` plays 200.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer } from '../dist/index.js';
import { summarize } from './lib/rounds.mjs';
import { isSmoke } from './lib/times.mjs';

const PROGRAM = fileURLToPath(new URL('../dist/cli/index.js', import.meta.url));
const RECORDING = path.join(tmpdir(), `wsimd-bench-${process.pid}.jsonl`);
const MESSAGES = isSmoke ? 200 : 2000;
/** The longest time between two messages, in ms; the mean is half of it, and some follow each other at once. */
const LONGEST = 10;

const arrivals = [];
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (websocket) => {
  const opened = performance.now();
  const times = [];
  arrivals.push(times);
  websocket.on('message', () => times.push(performance.now() - opened));
});
await once(server, 'listening');
const url = `ws://127.0.0.1:${server.address().port}`;

await record();
const recorded = readFileSync(RECORDING, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .filter(({ from, opcode }) => from === 'client' && opcode === 1)
  .map(({ time }) => time);
await play();
server.close();
rmSync(RECORDING);

const [, played] = arrivals;
if (played.length !== recorded.length) throw new Error(`${played.length} of ${recorded.length} messages came`);
const later = played.map((time, at) => time - recorded[at]);
// The opening handshake, which both times are counted from, takes its own time: it moves all messages alike.
const { median } = summarize(later);
const apart = later.map((time) => Math.abs(time - median)).sort((one, other) => one - other);
const share = (part) => apart[Math.ceil(part * apart.length) - 1].toFixed(3);
console.log(
  `${recorded.length} messages in ${(recorded.at(-1) / 1000).toFixed(1)} s, moved by ${median.toFixed(3)} ms by the opening ` +
    `handshake; apart beyond that: p50 ${share(0.5)} ms, p99 ${share(0.99)} ms, max ${share(1)} ms`,
);

/** A client sends text through the proxy. */
async function record() {
  const proxy = spawn(process.execPath, [PROGRAM, 'proxy', '0', url, '--quiet', '--record', RECORDING], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  while (!said.includes(' on')) said += String((await once(proxy.stderr, 'data'))[0]);
  const websocket = new WebSocket(/Passing (ws:\S+)/.exec(said)[1], { perMessageDeflate: false });
  await once(websocket, 'open');
  let due = performance.now();
  for (let at = 0; at < MESSAGES; at++) {
    due += Math.random() * LONGEST;
    while (performance.now() < due) await new Promise(setImmediate);
    websocket.send(`message ${at}`);
  }
  websocket.close();
  await once(websocket, 'close');
  proxy.kill('SIGINT');
  await once(proxy, 'exit');
}

async function play() {
  const child = spawn(process.execPath, [PROGRAM, 'replay', RECORDING, url, '--check'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.on('data', (text) => process.stdout.write(`replay says: ${text}`));
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`replay ends with ${status}`);
}
