// `npm run bench:topics`: what topics cost in processor time, beside the topics of uWebSockets.js and Bun in one process, and
// from process to process over each engine. `-- --only <text>` measures a part. Writes
// bench/results/topics-node<version>.json. Needs a build, and `redis-server` and `nats-server` where they are to be measured.
import { setTimeout as sleep } from 'node:timers/promises';
import { hasEngine } from '../test/support/engines.mjs';
import { starts } from '../test/topics/chaos/brokers.mjs';
import { findBun, findUWebSockets, pinning, start } from './lib/programs.mjs';
import { makeRow, openResults } from './lib/results.mjs';
import { summarize } from './lib/rounds.mjs';
import { measureSides } from './lib/sides.mjs';
import { isSmoke, only } from './lib/times.mjs';

const ROUNDS = isSmoke ? 1 : 9;
const TIMES = { rounds: ROUNDS, firstWarmUp: isSmoke ? 0.2 : 0.7, warmUp: 0.1, seconds: 0.2 };
/** Of each measurement from process to process. */
const RELAY_SECONDS = isSmoke ? 0.3 : 1;
const RELAY_ROUNDS = isSmoke ? 1 : 5;
const LENGTH = 125;
const BURST = 64;

const results = openResults('topics', 'npm run bench:topics');
results.note(pinning);
const uws = findUWebSockets();
const bun = findBun();
for (const { reason } of [uws, bun]) if (reason !== undefined) results.note(reason);

await benchFanOut();
await benchRelay();
results.write();

async function benchFanOut() {
  const table = results.table(
    'One message to the subscribers of a topic in one process, 125 B',
    "microseconds of the server's processor time per delivery",
  );
  const load = await start('load.mjs', { core: 1 });
  try {
    for (const connections of isSmoke ? [50] : [500, 5000]) {
      for (const burst of [1, 8]) {
        const label = `fan-out to ${connections}, ${burst} a tick`;
        if (label.includes(only)) table.add(await measureFanOut(load, label, connections, burst));
      }
    }
  } finally {
    await load.stop();
  }
}

async function measureFanOut(load, label, connections, burst) {
  const settings = { work: 'broadcast', burst, length: LENGTH };
  const wanted = { mode: 'fan-out', connections, length: LENGTH, depth: burst };
  const programs = [['wsimd', 'servers/topics.mjs', {}]];
  if (uws.module !== undefined) {
    programs.push(['uWebSockets.js', 'servers/uwebsockets.mjs', { settings: { ...settings, module: uws.module } }]);
  }
  if (bun.runtime !== undefined) programs.push(['Bun.serve', 'servers/bun.mjs', { runtime: bun.runtime }]);
  const sides = [];
  try {
    for (const [name, file, more] of programs) {
      sides.push({ name, running: await start(file, { core: 0, settings, ...more }), wanted });
    }
    const [least, leastOfBun] = [burst === 1 ? 0.95 : 0.9, 0.8];
    return makeRow(label, await measureSides(load, sides, TIMES), [
      { against: ['uWebSockets.js'], atLeast: least },
      { against: ['Bun.serve'], atLeast: leastOfBun },
    ]);
  } finally {
    await Promise.all(sides.map(({ running }) => running.stop()));
  }
}

/** Two processes, one of which publishes a burst every 4 ms. */
async function benchRelay() {
  const table = results.table(
    `From process to process, ${LENGTH} B, ${BURST} a tick`,
    'microseconds of processor time per message, by either process',
  );
  const isRedisThere = hasEngine('redis-server');
  const sides = [
    ...(isRedisThere
      ? [
          ['wsimd over redis', 'redis', 'relay', false],
          ['wsimd over ioredis', 'ioredis', 'relay', false],
        ]
      : []),
    ...(hasEngine('nats-server') ? [['wsimd over NATS', 'nats', 'relay', false]] : []),
    ['wsimd over the hub', 'cluster-plain', 'relay', false],
    ...(isRedisThere ? [['wsimd over redis, history', 'redis', 'relay', true]] : []),
    ...(hasEngine('nats-server') ? [['wsimd over NATS, history', 'nats', 'relay', true]] : []),
    ['wsimd over the hub, history', 'cluster', 'relay', true],
  ].filter(([name]) => name.includes(only));
  const samples = new Map(sides.map(([name]) => [name, { publisher: [], subscriber: [] }]));
  for (let round = 0; round < RELAY_ROUNDS; round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const once = await measureRelay(side);
      for (const role of ['publisher', 'subscriber']) samples.get(side[0])[role].push(once[role]);
    }
  }
  for (const role of ['publisher', 'subscriber']) {
    const figures = [...samples].map(([name, taken]) => ({ name, ...summarize(taken[role]) }));
    table.add(makeRow(role, figures));
  }
}

async function measureRelay([, engineName, file, isKept]) {
  const engine = await starts[engineName]();
  const where = { port: engine.port, path: engine.path };
  const settings = { engine: engineName, where, isKept, length: LENGTH, burst: BURST };
  const programs = [];
  try {
    for (const [core, role] of ['subscriber', 'publisher'].entries()) {
      programs.push(await start(`servers/${file}.mjs`, { core, settings: { ...settings, role } }));
    }
    await sleep(RELAY_SECONDS * 500);
    const before = await Promise.all(programs.map((program) => program.ask('usage')));
    await sleep(RELAY_SECONDS * 1000);
    const after = await Promise.all(programs.map((program) => program.ask('usage')));
    const [subscriber, publisher] = after.map((usage, i) => {
      if (usage.count === before[i].count) throw new Error(`nothing came over ${engineName}`);
      return (usage.micros - before[i].micros) / (usage.count - before[i].count);
    });
    return { publisher, subscriber };
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await engine.end();
  }
}
