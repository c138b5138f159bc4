// `node examples/rolling-restart`: four workers on one port, replaced one after another while clients talk in a room.
// Every client must get every message, once and in order. The exit status says whether it was so.
import cluster from 'node:cluster';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startHub } from 'wsimd/topics/cluster';

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '4' },
    clients: { type: 'string', default: '100' },
    /** Over how long a worker's connections are closed, in ms. */
    window: { type: 'string', default: '1000' },
    /** How often each worker is replaced. */
    times: { type: 'string', default: '1' },
  },
});
const count = Number(values.workers);
const directory = mkdtempSync(join(tmpdir(), 'wsimd-rolling-'));
const engine = join(directory, 'topics.sock');
const hub = await startHub({ path: engine, history: { messages: 100_000, age: 600_000 } });

cluster.setupPrimary({ exec: new URL('worker.js', import.meta.url).pathname });

const port = await freePort();

/** Starts a worker, and resolves once it listens. */
async function startWorker(name) {
  const worker = cluster.fork({ NAME: name, PORT: port, ENGINE: engine });
  await once(worker, 'listening');
  return worker;
}

const workers = await Promise.all(Array.from({ length: count }, (_, index) => startWorker(`worker ${index + 1}`)));
console.log(`${count} workers on port ${port}`);

const load = fork(new URL('load.js', import.meta.url), [`ws://127.0.0.1:${port}`, values.clients]);
await once(load, 'message');
console.log(`${values.clients} clients in the room, half of them talking`);

for (let turn = 0; turn < count * Number(values.times); turn++) {
  const index = turn % count;
  const old = workers[index];
  await delay(500);
  // The new one listens before the old one goes: there is always a place to connect to.
  workers[index] = await startWorker(`worker ${index + 1}`);
  old.send({ drain: Number(values.window) });
  const [{ closed, cut }] = await once(old, 'message');
  await once(old, 'exit');
  console.log(`worker ${index + 1} is replaced: ${closed} connections closed, ${cut} cut`);
}

load.send('end');
const [told] = await once(load, 'message');
const { published, received, lost, doubled, disordered, reconnects } = told;
console.log(`${published} messages, ${received} deliveries, ${reconnects} reconnects`);
console.log(`${lost} lost, ${doubled} doubled, ${disordered} out of order`);
await Promise.all(workers.map((worker) => (worker.kill(), once(worker, 'exit'))));
load.disconnect();
await hub.close();
rmSync(directory, { recursive: true });
process.exitCode = lost + doubled + disordered === 0 && reconnects >= Number(values.clients) ? 0 : 1;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address();
  server.close();
  await once(server, 'close');
  return free;
}
