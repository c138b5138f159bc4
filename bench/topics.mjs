// `npm run bench:topics`: what topics cost in processor time, beside the topics of uWebSockets.js and Bun in one process, from
// process to process over each engine beside crossws, socket.io and a Redis client alone, and what many topics take.
// `-- --only <text>` measures a part. Writes bench/results/topics-node<version>.json. Needs a build, and `redis-server` and
// `nats-server` where they are to be measured.
import { setTimeout as sleep } from 'node:timers/promises';
import { hasEngine } from '../test/support/engines.mjs';
import { starts } from '../test/topics/chaos/brokers.mjs';
import { findBun, findRelays, findUWebSockets, pinning, start } from './lib/programs.mjs';
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
const MANY = isSmoke ? [100, 1000] : [10_000, 100_000];
const MANY_ROUNDS = isSmoke ? 1 : 3;

const results = openResults('topics', 'npm run bench:topics');
results.note(pinning);
const uws = findUWebSockets();
const bun = findBun();
const relays = findRelays();
for (const { reason } of [uws, bun, relays]) if (reason !== undefined) results.note(reason);

await benchFanOut();
await benchRelay('steady', 'a tick every 4 ms');
await benchRelay('busy', 'the next tick once the engine has taken this one');
await benchMany();
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

/** Two processes, one of which publishes a burst a tick at that pace. */
async function benchRelay(pace, paceInWords) {
  const table = results.table(
    `From process to process, ${LENGTH} B, ${BURST} a tick, ${paceInWords}`,
    'microseconds of processor time per message, by either process',
  );
  const [isRedisThere, isNatsThere] = ['redis-server', 'nats-server'].map(hasEngine);
  const ours = (engine, isKept) => ({ engine, program: 'relay', settings: { engine, isKept } });
  const theirs = (kind, client) => ({
    engine: client,
    program: 'relay-others',
    settings: { kind, client, besides: relays.besides },
  });
  const isComparable = isRedisThere && relays.besides !== undefined;
  // socket.io returns no promise: without a pause its messages pile up in its client.
  const isPaced = pace === 'steady';
  const sides = Object.entries({
    ...(isRedisThere && { 'wsimd over redis': ours('redis', false), 'wsimd over ioredis': ours('ioredis', false) }),
    ...(isNatsThere && { 'wsimd over NATS': ours('nats', false) }),
    'wsimd over the hub': ours('cluster-plain', false),
    ...(isRedisThere && { 'wsimd over redis, history': ours('redis', true) }),
    ...(isNatsThere && { 'wsimd over NATS, history': ours('nats', true) }),
    'wsimd over the hub, history': ours('cluster', true),
    ...(isRedisThere && { 'redis alone': theirs('alone', 'redis'), 'ioredis alone': theirs('alone', 'ioredis') }),
    ...(isComparable && {
      'crossws over redis': theirs('crossws', 'redis'),
      'crossws over ioredis': theirs('crossws', 'ioredis'),
    }),
    ...(isComparable &&
      isPaced && {
        'socket.io over redis': theirs('socket.io', 'redis'),
        'socket.io over ioredis': theirs('socket.io', 'ioredis'),
      }),
  }).filter(([name]) => name.includes(only));
  if (sides.length === 0) return;
  const samples = new Map(sides.map(([name]) => [name, { publisher: [], subscriber: [], both: [] }]));
  for (let round = 0; round < RELAY_ROUNDS; round++) {
    for (const [name, side] of round % 2 === 0 ? sides : sides.toReversed()) {
      const { publisher, subscriber } = await measureRelay({ pace, ...side });
      const taken = samples.get(name);
      taken.publisher.push(publisher);
      taken.subscriber.push(subscriber);
      taken.both.push(publisher + subscriber);
    }
  }
  for (const role of ['publisher', 'subscriber', 'both']) {
    const figures = [...samples].map(([name, taken]) => ({ name, ...summarize(taken[role]) }));
    // Each against the cheapest of the others, whatever client that has.
    const comparisons = ['redis', 'ioredis', 'NATS', 'the hub'].flatMap((engine) =>
      ['crossws', ...(isPaced ? ['socket.io'] : [])].map((name) => ({
        of: `wsimd over ${engine}`,
        against: [`${name} over redis`, `${name} over ioredis`],
        ...(role === 'both' && name === 'crossws' && { atLeast: 5 }),
      })),
    );
    comparisons.push(
      ...['redis', 'ioredis'].map((client) => ({ of: `wsimd over ${client}`, against: [`${client} alone`] })),
    );
    table.add(makeRow(role, figures, comparisons));
  }
}

async function measureRelay({ pace, engine: engineName, program, settings }) {
  const engine = await starts[engineName]();
  const where = { port: engine.port, path: engine.path };
  const programs = [];
  try {
    for (const [core, role] of ['subscriber', 'publisher'].entries()) {
      const all = { ...settings, where, role, pace, length: LENGTH, burst: BURST };
      programs.push(await start(`servers/${program}.mjs`, { core, settings: all }));
    }
    // Until the code that runs for each message is compiled.
    await sleep(RELAY_SECONDS * 1500);
    const before = await Promise.all(programs.map((running) => running.ask('usage')));
    await sleep(RELAY_SECONDS * 1000);
    const after = await Promise.all(programs.map((running) => running.ask('usage')));
    const [subscriber, publisher] = after.map((usage, i) => {
      if (usage.count === before[i].count) throw new Error(`nothing came over ${engineName}`);
      return (usage.micros - before[i].micros) / (usage.count - before[i].count);
    });
    return { publisher, subscriber };
  } finally {
    await Promise.all(programs.map((running) => running.stop()));
    await engine.end();
  }
}

/** Many topics of one subscriber each: so much a topic, whatever their number. */
async function benchMany() {
  const [isRedisThere, isNatsThere] = ['redis-server', 'nats-server'].map(hasEngine);
  const kinds = [
    ['no engine', undefined],
    ['the hub', 'cluster-plain'],
    ...(isRedisThere ? [['redis', 'redis']] : []),
    ...(isNatsThere ? [['NATS', 'nats']] : []),
  ];
  const taken = [];
  for (const [name, engine] of kinds) {
    if (!`many topics, ${name}`.includes(only)) continue;
    const samples = MANY.map((count) => ({ name: `${count} topics`, micros: [], bytes: [] }));
    for (let round = 0; round < MANY_ROUNDS; round++) {
      for (const [index, count] of MANY.entries()) {
        const { micros, bytes } = await measureMany(engine, count);
        samples[index].micros.push(micros / count);
        samples[index].bytes.push(bytes / count);
      }
    }
    taken.push({ name, samples });
  }
  for (const [key, title, unit] of [
    ['micros', 'Subscribing to many topics', 'microseconds of processor time per topic of one subscriber'],
    ['bytes', 'The memory of many topics', 'bytes per topic of one subscriber'],
  ]) {
    const table = results.table(title, unit);
    const [few, many] = MANY.map((count) => `${count} topics`);
    for (const { name, samples } of taken) {
      const figures = samples.map((side) => ({ name: side.name, ...summarize(side[key]) }));
      table.add(makeRow(`many topics, ${name}`, figures, [{ of: many, against: [few], atLeast: 0.67 }]));
    }
  }
}

async function measureMany(engineName, count) {
  const engine = engineName === undefined ? undefined : await starts[engineName]();
  const where = engine && { port: engine.port, path: engine.path };
  const settings = { engine: engineName, where, isKept: false, count };
  const program = await start('servers/many-topics.mjs', { core: 0, settings, flags: ['--expose-gc'] });
  try {
    return await program.ask('subscribe');
  } finally {
    await program.stop();
    await engine?.end();
  }
}
