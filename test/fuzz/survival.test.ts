import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Random } from '../support/random.js';
import { makeBatch } from './inputs.js';
import { makeInflating } from './inflating.js';
import { WideRandom } from './wide-random.js';

const SEED = Number(process.env['SEED'] ?? 6455);
const CONNECTIONS = 600;
const AT_ONCE = 20;
const HEAD = [
  'GET / HTTP/1.1',
  'Host: a',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Extensions: permessage-deflate',
  '',
  '',
].join('\r\n');

let server: ChildProcess;
let port = 0;
let said = '';

beforeAll(async () => {
  server = spawn(process.execPath, [fileURLToPath(new URL('survivor.mjs', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  server.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [chunk] = (await once(server.stdout!, 'data')) as [Buffer];
  port = Number(chunk.toString());
});
afterAll(() => void server.kill());

/** Bytes for one connection: frames whole or damaged, compressed or not, noise, or a request that is damaged itself. */
function makeOctets(random: Random, index: number): Buffer {
  if (random.oneIn(8)) return Buffer.from(random.octets(random.between(1, 400)));
  const head = Buffer.from(HEAD);
  if (random.oneIn(6)) head[random.below(head.length)] = random.below(256);
  const inputs = random.oneIn(4) ? makeInflating(SEED, index) : makeBatch(SEED, index);
  return Buffer.concat([head, random.pick(inputs).wire]);
}

/** Writes them in pieces, and ends the connection in one of the ways there are. */
async function attack(random: Random, index: number): Promise<void> {
  const octets = makeOctets(random, index);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  const cut = random.below(octets.length);
  socket.write(octets.subarray(0, cut));
  if (random.oneIn(2)) await new Promise((resolve) => setImmediate(resolve));
  if (!socket.destroyed) socket.write(octets.subarray(cut));
  const way = random.below(3);
  if (way === 0) socket.resetAndDestroy();
  else if (way === 1) socket.destroySoon();
  else socket.end();
  // Not events.once: the server may reset it first, which is an 'error'.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

test(`G06 no bytes of ${CONNECTIONS} peers end a process without 'error' listeners, seed ${SEED}`, async () => {
  const random = new WideRandom(SEED, 0);
  for (let first = 0; first < CONNECTIONS; first += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => attack(random, first + index)));
  }
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  await once(client, 'open');
  client.send('still here');
  const [data] = (await once(client, 'message')) as [Buffer];
  expect(data.toString()).toBe('still here');
  client.terminate();
  expect(said).toBe('');
  server.stdin!.end();
  const [code, signal] = (await once(server, 'exit')) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: 0, signal: null });
}, 120_000);
