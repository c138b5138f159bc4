// `npm run bench:deflate`: permessage-deflate beside `ws`, processor time per message in one process and in interleaved
// rounds, and memory per connection in servers of their own. Writes bench/results/deflate-node<version>.json. Needs a build.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { zlibPath } from '../dist/node/deflate/engines.js';
import { ourDeflate, wsDeflate } from './lib/deflaters.mjs';
import { start } from './lib/programs.mjs';
import { makeMessages } from './lib/records.mjs';
import { makeRow, openResults } from './lib/results.mjs';
import { summarize } from './lib/rounds.mjs';
import { isSmoke, only } from './lib/times.mjs';

const ROUNDS = isSmoke ? 1 : 7;
const LENGTHS = [
  { length: 200, label: '200 B' },
  { length: 1024, label: '1 KiB' },
  { length: 4096, label: '4 KiB' },
  { length: 65_536, label: '64 KiB' },
];
/** How many messages a side works through in a round, as far as their octets go. */
const MESSAGES = isSmoke ? { least: 16, most: 16 } : { least: 64, most: 1600 };
const OCTETS_A_ROUND = 3_000_000;
/** Connections of one side whose messages are under way side by side. */
const AT_ONCE = 16;
const CONNECTIONS = isSmoke ? 50 : 1000;
const SAME = { level: 6, windowBits: 15, memLevel: 8 };
const USED = 'after a message each way';
const TARGETS = {
  'inflate, no takeover': { 200: 5, 1024: 5 },
  'inflate, takeover': { 200: 5, 1024: 5 },
  'deflate, no takeover': { 200: 2, 1024: 2, 4096: 1.5 },
  'deflate, takeover': { 200: 3 },
};

const results = openResults('deflate', 'npm run bench:deflate');
results.note(`ours reaches zlib by way of its ${zlibPath() === 'handle' ? 'native handles' : 'public interface'}`);
results.note(`"same parameters" are level ${SAME.level}, windowBits ${SAME.windowBits}, memLevel ${SAME.memLevel}`);
results.note(
  `a side has one message under way, but ${AT_ONCE} on as many connections where it says so; messages are JSON-like and do not repeat`,
);
await benchTimes('same parameters', [false, true], SAME);
await benchTimes("each side's own defaults", [true], undefined);
await benchTurns();
await benchMemory();
results.write();

async function benchTimes(title, takeovers, zlibDeflateOptions) {
  const times = { deflate: [], inflate: [] };
  const sizes = [];
  for (const takeover of takeovers) {
    for (const { length, label } of LENGTHS) {
      const name = `${takeover ? 'takeover' : 'no takeover'}, ${label}`;
      if (!`${title} ${name}`.includes(only)) continue;
      const measured = await measureLength(length, { takeover, zlibDeflateOptions });
      for (const operation of ['deflate', 'inflate']) {
        const atLeast = zlibDeflateOptions && TARGETS[`${operation}, ${takeover ? 'takeover' : 'no takeover'}`][length];
        const comparisons = [{ against: ['ws'], atLeast }, { against: [`ws, ${AT_ONCE} at once`] }];
        times[operation].push(makeRow(name, measured[operation], comparisons));
      }
      sizes.push(makeRow(name, measured.sizes));
    }
  }
  fill(`Decompress a message, ${title}`, 'microseconds of processor time per message', times.inflate);
  fill(`Compress a message, ${title}`, 'microseconds of processor time per message', times.deflate);
  fill(`Compressed size, ${title}`, 'octets per message', sizes);
}

function fill(title, unit, rows) {
  if (rows.length === 0) return;
  const table = results.table(title, unit);
  for (const row of rows) table.add(row);
}

async function measureLength(length, settings) {
  const count = Math.max(MESSAGES.least, Math.min(MESSAGES.most, Math.floor(OCTETS_A_ROUND / length)));
  const sides = [
    { name: 'wsimd', connections: [ourDeflate(settings)] },
    { name: 'wsimd, public zlib', connections: [ourDeflate({ ...settings, zlibPath: 'public' })] },
    { name: 'ws', connections: [wsDeflate(settings)] },
    { name: `ws, ${AT_ONCE} at once`, connections: Array.from({ length: AT_ONCE }, () => wsDeflate(settings)) },
  ].map((side) => ({ ...side, deflate: [], inflate: [], sizes: [] }));
  for (let round = -1; round < ROUNDS; round++) {
    const messages = makeMessages(length, count);
    for (let turn = 0; turn < sides.length; turn++) {
      const side = sides[(round + 1 + turn) % sides.length];
      const deflated = await timed(messages, side.connections, 'deflate');
      const inflated = await timed(deflated.results, side.connections, 'inflate');
      if (!inflated.results.every((result, at) => messages[at].equals(result)))
        throw new Error(`${side.name} is wrong`);
      // The first round warms up.
      if (round < 0) continue;
      side.deflate.push(deflated.micros);
      side.inflate.push(inflated.micros);
      side.sizes.push(deflated.results.reduce((sum, { length }) => sum + length, 0) / count);
    }
  }
  for (const { connections } of sides) for (const connection of connections) connection.close();
  const figures = (what) => sides.map((side) => ({ name: side.name, ...summarize(side[what]) }));
  return { deflate: figures('deflate'), inflate: figures('inflate'), sizes: figures('sizes') };
}

/** Microseconds of processor time a message, all threads together; each connection works through its share in order. */
async function timed(inputs, connections, method) {
  const results = Array(inputs.length);
  const before = process.cpuUsage();
  const shares = connections.map(async (connection, first) => {
    for (let at = first; at < inputs.length; at += connections.length) {
      const answer = connection[method](inputs[at]);
      results[at] = answer instanceof Promise ? await answer : answer;
    }
  });
  await Promise.all(shares);
  const { user, system } = process.cpuUsage(before);
  return { micros: (user + system) / inputs.length, results };
}

/** More connections than ours keeps compressing states for: each sends in its turn, and its state is made anew. */
async function benchTurns() {
  const title = `Compress with takeover, ${CONNECTIONS} connections in turn, each side's own defaults`;
  if (!title.includes(only)) return;
  const table = results.table(title, 'microseconds of processor time per message');
  for (const { length, label } of LENGTHS.slice(0, 3)) {
    const sides = { wsimd: ourDeflate, ws: wsDeflate };
    const samples = { wsimd: [], ws: [] };
    for (const [name, make] of Object.entries(sides)) {
      const connections = Array.from({ length: CONNECTIONS }, () => make({ takeover: true }));
      for (let round = -2; round < ROUNDS; round++) {
        const messages = makeMessages(length, CONNECTIONS);
        const before = process.cpuUsage();
        for (let at = 0; at < CONNECTIONS; at++) {
          const answer = connections[at].deflate(messages[at]);
          if (answer instanceof Promise) await answer;
        }
        const { user, system } = process.cpuUsage(before);
        if (round >= 0) samples[name].push((user + system) / CONNECTIONS);
      }
      for (const connection of connections) connection.close();
    }
    const figures = Object.entries(samples).map(([name, all]) => ({ name, ...summarize(all) }));
    table.add(makeRow(label, figures, [{ against: ['ws'] }]));
  }
}

/** Resident memory of a server with takeover, after each of its connections has brought a message and had it back. */
async function benchMemory() {
  const title = `Memory of ${CONNECTIONS} connections with takeover`;
  if (!title.includes(only)) return;
  const table = results.table(title, 'KiB of resident memory per connection');
  const steps = { 'before the first message': [], [USED]: [], 'after all are closed': [] };
  for (const name of ['wsimd', 'ws']) {
    const running = await start(`servers/${name}.mjs`, {
      core: 0,
      flags: ['--expose-gc'],
      settings: { work: 'echo', deflate: true },
    });
    const resident = async () => {
      await sleep(300);
      return (await running.ask('memory')).resident;
    };
    try {
      // A first few connections bring in what is needed once.
      await leave(await talk(await connect(running.port, 20)));
      const before = await resident();
      const add = async (step) => {
        const each = ((await resident()) - before) / CONNECTIONS / 1024;
        steps[step].push({ name, ...summarize([each]) });
      };
      const clients = await connect(running.port, CONNECTIONS);
      await add('before the first message');
      await talk(clients);
      await add(USED);
      await leave(clients);
      await add('after all are closed');
    } finally {
      await running.stop();
    }
  }
  for (const [step, figures] of Object.entries(steps)) {
    table.add(makeRow(step, figures, step === USED ? [{ against: ['ws'] }] : []));
  }
  results.note("what is left after closing is V8's heap, grown for what comes next, and free memory of malloc");
  const [{ median }] = steps[USED];
  results.note(
    `with takeover, a connection takes ${median.toFixed(1)} KiB (target <= 64: ${median <= 64 ? 'met' : 'missed'})`,
  );
}

function connect(port, count) {
  const options = { perMessageDeflate: { threshold: 0, zlibDeflateOptions: { memLevel: 1 } } };
  return Promise.all(
    Array.from({ length: count }, async () => {
      const client = new WebSocket(`ws://127.0.0.1:${port}`, options);
      await once(client, 'open');
      return client;
    }),
  );
}

async function talk(clients) {
  for (const client of clients) {
    client.send(makeMessages(1000, 1)[0]);
    await once(client, 'message');
  }
  return clients;
}

async function leave(clients) {
  for (const client of clients) client.close(1000);
  await Promise.all(clients.map((client) => once(client, 'close')));
}
