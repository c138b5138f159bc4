// Frame sequences -> the memory that a server holds for them: a hundred connections in the same state, less a hundred idle
// ones. Run by attack.test.ts, and by hand: node --expose-gc test/memory/hold.mjs --sequences 1000 --seed 1
import { Duplex } from 'node:stream';
import { parseArgs } from 'node:util';
import { WebSocketServer } from '../../dist/index.js';
import { frameSequence } from './frames.mjs';

const KIB = 1024;
const MIB = 1024 * KIB;
const CONNECTIONS = 100;
const MAX_PAYLOAD = 2 * MIB;

const { values } = parseArgs({
  options: { sequences: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
});

/** A socket whose peer reads nothing: a write is never done, and what it holds is counted with the rest. */
class Deaf extends Duplex {
  constructor() {
    super({ highWaterMark: 16 * KIB });
    this.written = 0;
  }
  _read() {}
  _write(_chunk, _encoding, callback) {
    // The answer to the opening handshake goes out; nothing after it does.
    if (this.written++ === 0) callback();
  }
}

const server = new WebSocketServer({
  noServer: true,
  maxPayload: MAX_PAYLOAD,
  perMessageDeflate: true,
  closeTimeout: 1,
});
const headers = {
  host: 'a',
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-extensions': 'permessage-deflate',
};

let received = 0;

function open() {
  const socket = new Deaf();
  server.handleUpgrade({ method: 'GET', httpVersion: '1.1', url: '/', headers }, socket, Buffer.alloc(0), (peer) => {
    peer.on('error', () => {});
    peer.on('message', () => received++);
  });
  return socket;
}

async function held() {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 3));
    gc();
  }
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

async function measure(seed) {
  const { name, chunks, octets, messages } = frameSequence(seed, MAX_PAYLOAD);
  received = 0;
  const sockets = Array.from({ length: CONNECTIONS }, open);
  const idle = await held();
  for (const chunk of chunks) {
    for (const socket of sockets) {
      // As a socket reads it: memory of this connection's own.
      const own = Buffer.allocUnsafeSlow(chunk.length);
      own.set(chunk);
      socket.push(own);
    }
    // Every chunk is taken in before the next one comes, unless the server has paused its socket.
    await new Promise((resolve) => setImmediate(resolve));
  }
  // The limit is for what is held once nothing is being inflated.
  const isDone = () => received >= messages * CONNECTIONS;
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 1));
  const holds = (await held()) - idle;
  for (const socket of sockets) socket.destroy();
  return { seed, name, octets, holds, bound: CONNECTIONS * (2 * octets + 64 * KIB) + 16 * MIB };
}

await measure(0);
await measure(1);
const first = Number(values.seed);
let worst = { holds: 0, bound: 1 };
let exceeded = 0;
for (let seed = first; seed < first + Number(values.sequences); seed++) {
  const result = await measure(seed);
  if (result.holds / result.bound > worst.holds / worst.bound) worst = result;
  if (result.holds > result.bound) {
    exceeded++;
    console.log(JSON.stringify(result));
  }
}
console.log(JSON.stringify({ sequences: Number(values.sequences), exceeded, worst }));
process.exit(exceeded > 0 ? 1 : 0);
