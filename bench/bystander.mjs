// `npm run bench:bystander`: how long the echo of one peer takes while others bring much work, with `ws` in the same run.
// The server, the others and the bystander are processes of their own. `-- --smoke` runs one round, `-- --only <text>` one load.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { constants, deflateRawSync } from 'node:zlib';
import { isSmoke, only } from './lib/times.mjs';

const ROUNDS = isSmoke ? 1 : 5;
const SIDES = ['wsimd', 'ws'];
const [role, side] = process.argv.slice(2);

/** The loads: each resolves when the server has done its work. */
const LOADS = {
  'one segment of 780 compressed messages of 65,535 bytes': segment,
  '200 peers, each a message of 64 KB of JSON, compressed both ways': manyPeers,
  '600 compressed sends of 16 KB in a loop': sends,
  '8 peers that flood with messages of 1 MiB': floods,
  '30,000 pings at once, unanswered': pings,
};

if (role === 'server') await serve(side);
else if (role === 'bystander') await stand(Number(side));
else await run();

async function serve(name) {
  const { WebSocketServer } = await import(name === 'ws' ? 'ws' : '../dist/index.js');
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  const texts = Array.from({ length: 20 }, () => json(16_000));
  server.on('connection', (websocket, request) => {
    if (request.url === '/unanswered') websocket._autoPong = false;
    let left = 600;
    websocket.on('message', (data, isBinary) => {
      if (isBinary && data.length > 65_535) return websocket.send('got');
      if (isBinary && data.length === 65_535) return websocket.send(data.subarray(0, 4));
      if (data.toString() !== 'sends') return websocket.send(data, { binary: isBinary });
      const since = performance.now();
      for (let at = 0; at < 600; at++) {
        websocket.send(texts[at % 20], () => {
          if (--left === 0) websocket.send(`${loop}`, { compress: false });
        });
      }
      const loop = performance.now() - since;
    });
  });
  await once(server, 'listening');
  process.send(server.address().port);
}

async function stand(port) {
  const { WebSocket } = await import('ws');
  const websocket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await once(websocket, 'open');
  let times = [];
  const sent = [];
  // At a steady pace, whether the last answer has come or not: a server that stalls for long is asked all the same.
  setInterval(() => {
    sent.push(performance.now());
    websocket.send('bystander');
  }, 2);
  websocket.on('message', () => times.push(performance.now() - sent.shift()));
  process.on('message', (begins) => {
    if (begins) times = [];
    else process.send([...times, ...sent.map((since) => performance.now() - since)]);
  });
  process.send('ready');
}

async function run() {
  for (const [title, load] of Object.entries(LOADS)) {
    if (!title.includes(only)) continue;
    const rounds = { wsimd: [], ws: [] };
    for (let round = 0; round <= ROUNDS; round++) {
      for (const name of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
        const measured = await measure(name, load);
        // The first round warms the file system and the processor.
        if (round > 0) rounds[name].push(measured);
      }
    }
    console.log(title);
    for (const figure of Object.keys(rounds.ws[0])) {
      const [ours, theirs] = SIDES.map((name) => median(rounds[name].map((measured) => measured[figure])));
      console.log(
        `  ${figure.padEnd(26)} wsimd ${ours.toFixed(2)}  ws ${theirs.toFixed(2)}  ratio ${(ours / theirs).toFixed(2)}`,
      );
    }
  }
}

async function measure(name, load) {
  const server = fork(fileURLToPath(import.meta.url), ['server', name]);
  const [port] = await once(server, 'message');
  const bystander = fork(fileURLToPath(import.meta.url), ['bystander', port]);
  await once(bystander, 'message');
  const more = await load(port, () => bystander.send(true));
  bystander.send(false);
  const [times] = await once(bystander, 'message');
  server.kill();
  bystander.kill();
  times.sort((a, b) => a - b);
  return {
    'median echo, ms': times[times.length >> 1],
    'worst echo, ms': times.at(-1),
    ...more,
  };
}

async function segment(port, begin) {
  const peer = await raw(port);
  const bytes = Buffer.concat(Array(780).fill(frame(0x2, true, deflated(Buffer.alloc(65_535)))));
  begin();
  const since = performance.now();
  for (let time = 0; time < 5; time++) {
    peer.write(bytes);
    await peer.frames(780);
  }
  return { 'all done after, ms': performance.now() - since };
}

async function manyPeers(port, begin) {
  const peers = await Promise.all(Array.from({ length: 200 }, () => raw(port)));
  const bytes = frame(0x1, true, deflated(Buffer.from(json(64_000))));
  begin();
  const since = performance.now();
  for (let time = 0; time < 5; time++) {
    for (const peer of peers) peer.write(bytes);
    await Promise.all(peers.map((peer) => peer.frames(1)));
  }
  return { 'all done after, ms': performance.now() - since };
}

async function sends(port, begin) {
  const peer = await raw(port);
  begin();
  const since = performance.now();
  peer.write(frame(0x1, false, Buffer.from('sends')));
  const last = await peer.frames(601);
  return { 'loop, ms': Number(last.toString()), 'all done after, ms': performance.now() - since };
}

/** As many as these ws does not answer, so that neither does; the message behind them is. */
async function pings(port, begin) {
  const peer = await raw(port, '/unanswered');
  const bytes = Buffer.concat(Array(30_000).fill(frame(0x9, false, Buffer.from('12345678'))));
  begin();
  const since = performance.now();
  for (let time = 0; time < 5; time++) {
    peer.write(Buffer.concat([bytes, frame(0x1, false, Buffer.from('after'))]));
    await peer.frames(1);
  }
  return { 'all done after, ms': performance.now() - since };
}

async function floods(port, begin) {
  const peers = await Promise.all(Array.from({ length: 8 }, () => raw(port)));
  const bytes = frame(0x2, false, Buffer.alloc(1024 * 1024));
  begin();
  const since = performance.now();
  await Promise.all(
    peers.map((peer) => {
      for (let at = 0; at < 40; at++) peer.write(bytes);
      return peer.frames(40);
    }),
  );
  return { 'all done after, ms': performance.now() - since };
}

/** A peer that writes bytes and counts frames, so that the load costs little beside the server. */
async function raw(port, path = '/') {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `GET ${path}` +
      ' HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n',
  );
  await once(socket, 'data');
  let left = 0;
  let rest = Buffer.alloc(0);
  let last;
  let resolve;
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < 2) return;
      const short = rest[1];
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < head) return;
      const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      if (rest.length < head + length) return;
      last = rest.subarray(head, head + length);
      rest = rest.subarray(head + length);
      if (--left === 0) resolve(last);
    }
  });
  return {
    write: (bytes) => socket.write(bytes),
    frames: (count) =>
      new Promise((done) => {
        left = count;
        resolve = done;
      }),
  };
}

function frame(opcode, isCompressed, payload) {
  const head = payload.length < 126 ? Buffer.alloc(6) : payload.length < 65_536 ? Buffer.alloc(8) : Buffer.alloc(14);
  head[0] = 0x80 | (isCompressed ? 0x40 : 0) | opcode;
  if (head.length === 6) head[1] = 0x80 | payload.length;
  else if (head.length === 8) {
    head[1] = 0xfe;
    head.writeUInt16BE(payload.length, 2);
  } else {
    head[1] = 0xff;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, payload]);
}

function deflated(payload) {
  return deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

function json(length) {
  let text = '';
  while (text.length < length)
    text += JSON.stringify({ id: Math.random().toString(36), price: Math.random(), at: Date.now() });
  return text.slice(0, length);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
