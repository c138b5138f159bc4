// `npm run bench:http2`: the echo of one server over TCP and over streams of one HTTP/2 session, ours and `ws`, and of streams
// with canned answers, in interleaved rounds; the metric is the server's processor time per message. Then the memory of 10,000
// streams. Needs a build.
import http2 from 'node:http2';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BINARY, makeFrame } from './lib/frames.mjs';
import { start } from './lib/programs.mjs';
import { summarize } from './lib/rounds.mjs';
import { isSmoke, only } from './lib/times.mjs';

const ROUNDS = isSmoke ? 1 : 11;
const SECONDS = isSmoke ? 0.05 : 0.3;
/** As long as the engine takes to give back the memory of many handshakes (bench/NOTES.md). */
const IDLE_SECONDS = isSmoke ? 0.05 : 6;
const CELLS = [
  { length: 125, depth: 1, connections: 50 },
  { length: 125, depth: 64, connections: 50 },
  { length: 1024, depth: 16, connections: 50 },
  { length: 65536, depth: 1, connections: 10 },
];
const SERVERS = {
  'wsimd, TCP': { file: 'servers/wsimd.mjs', over: tcp },
  'wsimd, HTTP/2': { file: 'servers/http2.mjs', settings: { library: 'wsimd' }, over: stream },
  'ws, TCP': { file: 'servers/ws.mjs', over: tcp },
  'ws, HTTP/2': { file: 'servers/http2.mjs', settings: { library: 'ws' }, over: stream },
  'canned, HTTP/2': { file: 'servers/http2.mjs', settings: { library: 'canned' }, over: stream },
};

/** Opens connections over TCP; each is a Duplex of frames. */
async function tcp(port, connections) {
  return Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
      socket.write(
        'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
          'Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n',
      );
      let head = '';
      while (!head.endsWith('\r\n\r\n')) head += await new Promise((resolve) => socket.once('data', resolve));
      return socket;
    }),
  );
}

/** Opens streams of one session. */
async function stream(port, connections) {
  const session = http2.connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1 << 20 } });
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  session.setLocalWindowSize(1 << 23);
  const asked = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/', 'sec-websocket-version': '13' };
  return Promise.all(
    Array.from({ length: connections }, async () => {
      const one = session.request(asked, { endStream: false });
      await new Promise((resolve) => one.once('response', resolve));
      return one;
    }),
  );
}

/** Keeps `depth` messages under way on every connection, until `stop`. */
function load(connections, { length, depth }) {
  const request = Buffer.concat(
    Array.from({ length: depth }, () => makeFrame(BINARY, Buffer.alloc(length, 'x'), true)),
  );
  const due = depth * makeFrame(BINARY, Buffer.alloc(length, 'x'), false).length;
  let isOver = false;
  const ends = connections.map(
    (connection) =>
      new Promise((resolve) => {
        let got = 0;
        const take = (chunk) => {
          got += chunk.length;
          if (got < due) return;
          got = 0;
          if (!isOver) return void connection.write(request);
          connection.off('data', take);
          connection.pause();
          resolve();
        };
        connection.on('data', take);
        connection.resume();
        connection.write(request);
      }),
  );
  return async () => {
    isOver = true;
    await Promise.all(ends);
  };
}

async function measure(server, connections, cell) {
  const stop = load(connections, cell);
  await sleep(1000 * 0.1);
  const before = await server.ask('usage');
  await sleep(1000 * SECONDS);
  const after = await server.ask('usage');
  await stop();
  return (after.micros - before.micros) / (after.count - before.count);
}

console.log('Processor time of the server, µs a message (lowest to highest), and how it compares with ws over TCP.');
for (const cell of CELLS) {
  const name = `${cell.length} B, ${cell.connections} connections, ${cell.depth} deep`;
  if (!name.includes(only)) continue;
  console.log(`\n${name}`);
  const running = [];
  for (const [name, { file, settings, over }] of Object.entries(SERVERS)) {
    const server = await start(file, { core: 0, settings: { work: 'echo', length: cell.length, ...settings } });
    running.push({ name, server, connections: await over(server.port, cell.connections), samples: [] });
  }
  for (let round = -1; round < ROUNDS; round++) {
    for (let turn = 0; turn < running.length; turn++) {
      const side = running[(round + 1 + turn) % running.length];
      const micros = await measure(side.server, side.connections, cell);
      if (round >= 0) side.samples.push(micros);
    }
  }
  const reference = running.find(({ name }) => name === 'ws, TCP').samples;
  for (const { name, samples } of running) {
    const { median, lowest, highest } = summarize(samples);
    const ratio = summarize(samples.map((micros, at) => micros / reference[at])).median;
    const spread = `(${lowest.toFixed(2)} to ${highest.toFixed(2)})`;
    console.log(`${name.padEnd(14)} ${median.toFixed(2).padStart(8)} ${spread.padEnd(20)} ${ratio.toFixed(2)}x`);
  }
  for (const { server } of running) await server.stop();
}

/** The server's memory per connection, in KiB: idle, at once after the handshakes, and after a message that each has echoed. */
async function memory(library) {
  const [sessions, streams] = isSmoke ? [2, 2] : [100, 100];
  const server = await start('servers/http2.mjs', {
    core: 0,
    settings: { work: 'echo', length: 125, library },
    flags: ['--expose-gc'],
  });
  const all = await stream(server.port, 1);
  const kibibytes = async () => (await server.ask('memory')).resident / 1024;
  const idle = async () => {
    await kibibytes();
    await sleep(1000 * IDLE_SECONDS);
    return kibibytes();
  };
  const before = await idle();
  for (let at = 0; at < sessions; at++) all.push(...(await stream(server.port, streams)));
  const open = await kibibytes();
  const rested = await idle();
  await load(all, { length: 125, depth: 1 })();
  const used = await kibibytes();
  await server.stop();
  return [rested, open, used].map((resident) => (resident - before) / (sessions * streams));
}

if ('memory'.includes(only)) {
  console.log('\nMemory of the server, KiB a connection of 10,000 on 100 sessions:');
  console.log(`${''.padEnd(14)} ${['idle', 'at once', 'after an echo'].map((name) => name.padStart(13)).join(' ')}`);
  for (const library of ['wsimd', 'ws', 'canned']) {
    const samples = [];
    for (let round = 0; round < (isSmoke ? 1 : 3); round++) samples.push(await memory(library));
    const figures = [0, 1, 2].map((at) => summarize(samples.map((sample) => sample[at])).median);
    console.log(`${library.padEnd(14)} ${figures.map((figure) => figure.toFixed(1).padStart(13)).join(' ')}`);
  }
}
process.exit();
