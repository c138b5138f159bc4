// `node examples/chat`: a chat in two processes over Redis, or over a Unix socket where there is no Redis.
// A process that ends is started again. `--port N` names the first of the two ports, 8081 by default; 0 takes any.
// `--engine hub` or `--engine redis` leaves no choice.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startHub } from 'wsimd/topics/cluster';
import { HISTORY } from './broker.js';

/** How long a process that has ended stays away, in ms. */
const AWAY = 2000;
const { values } = parseArgs({
  options: { port: { type: 'string', default: '8081' }, engine: { type: 'string', default: '' } },
});
const directory = mkdtempSync(join(tmpdir(), 'wsimd-chat-'));
const children = new Set();
/** Our own redis-server, if there is one. */
let redis;
let isEnding = false;

const { engine, told } = await startEngine();
const first = Number(values.port);
const ports = first === 0 ? [await freePort(), await freePort()] : [first, first + 1];
for (const [index, port] of ports.entries()) void keepRunning(`process ${index + 1}`, port);
console.log(`A chat in two processes over ${told}:`);
for (const port of ports) console.log(`  http://127.0.0.1:${port}/`);
process.once('SIGINT', end);
process.once('SIGTERM', end);

/** Redis at REDIS_URL, or one of our own, where there is one and npm's package for it; else a hub in this process. */
async function startEngine() {
  const isRedis = values.engine !== 'hub' && (await hasPackage('redis'));
  const { REDIS_URL } = process.env;
  if (isRedis && REDIS_URL) return { engine: REDIS_URL, told: REDIS_URL };
  if (isRedis) {
    const port = await freePort();
    const flags = ['--port', port, '--bind', '127.0.0.1', '--dir', directory, '--save', ''];
    redis = spawn('redis-server', flags, { stdio: 'ignore' });
    if (await once(redis, 'spawn').catch(() => false)) {
      return { engine: `redis://127.0.0.1:${port}`, told: `a redis-server of its own, port ${port}` };
    }
  }
  if (values.engine === 'redis') throw new Error("There is no redis-server, or npm's package redis is not installed");
  const path = join(directory, 'topics.sock');
  await startHub({ path, history: HISTORY });
  return { engine: path, told: 'a Unix socket, since there is no Redis' };
}

function hasPackage(name) {
  return import(name).then(
    () => true,
    () => false,
  );
}

async function keepRunning(name, port) {
  for (;;) {
    const child = fork(new URL('process.js', import.meta.url), [JSON.stringify({ name, port, ports, engine })]);
    children.add(child);
    const [status, signal] = await once(child, 'exit');
    children.delete(child);
    if (isEnding) return;
    console.log(`${name} has ended (${signal ?? status}), and starts again`);
    await delay(AWAY);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function end() {
  isEnding = true;
  await Promise.all(
    [...children].map((child) => {
      child.kill('SIGTERM');
      return once(child, 'exit');
    }),
  );
  redis?.kill();
  rmSync(directory, { recursive: true });
  process.exit();
}
