// `npm run bench:replay`: how far from its recorded time each message of `wsimd replay` reaches a server. A session of
// 2,000 messages at irregular times passes `wsimd proxy --record`, and is played; by turns with it, a bare program over
// `node:net` writes the same messages at the same times, which shows the share of the machine and of the server.
// `-- --smoke` plays 200.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer } from '../dist/index.js';
import { makeFrame, TEXT } from './lib/frames.mjs';
import { summarize } from './lib/rounds.mjs';
import { isSmoke } from './lib/times.mjs';

const SELF = fileURLToPath(import.meta.url);
const PROGRAM = fileURLToPath(new URL('../dist/cli/index.js', import.meta.url));
const RECORDING = path.join(tmpdir(), `wsimd-bench-${process.pid}.jsonl`);
const MESSAGES = isSmoke ? 200 : 2000;
const TURNS = isSmoke ? 1 : 2;
/** The longest time between two messages, in ms; the mean is half of it, and some follow each other at once. */
const LONGEST = 10;

if (process.argv[2] === 'bare') await playBare(process.argv[3], Number(process.argv[4]));
else await run();

async function run() {
  const arrivals = [];
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (websocket) => {
    const opened = performance.now();
    const times = [];
    arrivals.push(times);
    websocket.on('message', () => times.push(performance.now() - opened));
  });
  await once(server, 'listening');
  const { port } = server.address();
  const url = `ws://127.0.0.1:${port}`;
  await record(url);
  const recorded = timesOf(RECORDING);
  const ways = {
    'a bare program': [SELF, 'bare', RECORDING, String(port)],
    'wsimd replay': [PROGRAM, 'replay', RECORDING, url, '--check'],
  };
  // By turns: the server compiles its code while the first one plays.
  for (let turn = 0; turn < TURNS; turn++) for (const words of Object.values(ways)) await play(words);
  server.close();
  rmSync(RECORDING);
  console.log(`${recorded.length} messages in ${(recorded.at(-1) / 1000).toFixed(1)} s came at the server`);
  const names = Object.keys(ways);
  for (const [at, times] of arrivals.slice(1).entries()) {
    console.log(`  by ${names[at % names.length]}: ${apart(recorded, times)}`);
  }
}

/** The times of the client's texts, in ms. */
function timesOf(recording) {
  return readFileSync(recording, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ from, opcode }) => from === 'client' && opcode === 1)
    .map(({ time }) => time);
}

/** How far the times of one run are from the recorded ones. */
function apart(recorded, played) {
  if (played.length !== recorded.length) throw new Error(`${played.length} of ${recorded.length} messages came`);
  const later = played.map((time, at) => time - recorded[at]);
  // The opening handshake, which both times are counted from, takes its own time: it moves all messages alike.
  const { median } = summarize(later);
  const off = later.map((time) => Math.abs(time - median)).sort((one, other) => one - other);
  const share = (part) => off[Math.ceil(part * off.length) - 1].toFixed(3);
  return (
    `p50 ${share(0.5)} ms, p99 ${share(0.99)} ms, max ${share(1)} ms from the recorded times ` +
    `(${median.toFixed(3)} ms for the opening handshake taken off)`
  );
}

/** A client sends text through the proxy. */
async function record(url) {
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

async function play(words) {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.on('data', (text) => process.stdout.write(`replay says: ${text}`));
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`${words[1]} ends with ${status}`);
}

async function playBare(recording, port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(
    'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(socket, 'data');
  const begun = performance.now();
  for (const [at, time] of timesOf(recording).entries()) {
    while (performance.now() - begun < time) await new Promise(setImmediate);
    socket.write(makeFrame(TEXT, Buffer.from(`message ${at}`), true));
  }
  socket.destroy();
}
