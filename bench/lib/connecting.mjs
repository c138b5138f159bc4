// Servers beside each other -> what a connection costs from its opening to its end, and what a storm of them costs.
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from './programs.mjs';
import { makeRow } from './results.mjs';
import { summarize } from './rounds.mjs';
import { isSmoke } from './times.mjs';

const CONNECT_ROUNDS = isSmoke ? 1 : 9;
const CONVERSATIONS = isSmoke ? 100 : 2000;
const WARM_UP = isSmoke ? 100 : 4000;
const STORM_ROUNDS = isSmoke ? 1 : 5;
const STORM = isSmoke ? 200 : 10_000;

/** The name of the server with canned answers. */
export const FLOOR = 'bare net, canned answers';

/**
 * Processor time of the server for a connection that is opened, echoes one message and is closed.
 * @param {[name: string, startServer: () => Promise<object>][]} servers
 */
async function measureConnecting(servers) {
  const dialer = await start('dialer.mjs', { core: 1 });
  const sides = [];
  try {
    for (const [name, startServer] of servers) sides.push({ name, running: await startServer(), samples: [] });
    const converse = ({ running }, count) => dialer.ask({ connect: { port: running.port, count } });
    for (const side of sides) await converse(side, WARM_UP);
    for (let round = 0; round < CONNECT_ROUNDS; round++) {
      for (let turn = 0; turn < sides.length; turn++) {
        const side = sides[(round + turn) % sides.length];
        const before = await side.running.ask('usage');
        await converse(side, CONVERSATIONS);
        const after = await side.running.ask('usage');
        side.samples.push((after.micros - before.micros) / CONVERSATIONS);
      }
    }
    return sides.map(({ name, samples }) => ({ name, ...summarize(samples) }));
  } finally {
    await Promise.all([dialer, ...sides.map(({ running }) => running)].map((each) => each.stop()));
  }
}

/** The same of many that come at once: a new server for each round, so that its memory has its first peak. */
async function measureStorm(servers) {
  const samples = new Map(servers.map(([name]) => [name, { micros: [], peak: [], all: [], late: [] }]));
  for (let round = 0; round < STORM_ROUNDS; round++) {
    for (let turn = 0; turn < servers.length; turn++) {
      const [name, startServer] = servers[(round + turn) % servers.length];
      const dialer = await start('dialer.mjs', { core: 1 });
      const running = await startServer();
      try {
        // A first few connections bring in what is needed once.
        await dialer.ask({ connect: { port: running.port, count: 50 } });
        await sleep(200);
        const before = await running.ask('usage');
        const { all, late } = await dialer.ask({ storm: { port: running.port, count: STORM } });
        const after = await running.ask('usage');
        const of = samples.get(name);
        of.micros.push((after.micros - before.micros) / STORM);
        of.peak.push((after.peak - before.resident) / STORM / 1024);
        of.all.push(all);
        of.late.push(late);
      } finally {
        await Promise.all([dialer.stop(), running.stop()]);
      }
    }
  }
  const figures = (key) => [...samples].map(([name, of]) => ({ name, ...summarize(of[key]) }));
  return { micros: figures('micros'), peak: figures('peak'), all: figures('all'), late: figures('late') };
}

/** Both tables. */
export async function benchConnecting(results, servers, { ws, uws, only }) {
  // At most 1.35 of what the floor takes.
  const floor = { against: [FLOOR], atLeast: 0.74 };
  if ('opened, one echo, closed'.includes(only)) {
    const table = results.table('Connections', "microseconds of the server's processor time per connection");
    const figures = await measureConnecting(servers);
    table.add(makeRow('opened, one echo, closed', figures, [{ against: ws, atLeast: 1.6 }, { against: uws }, floor]));
  }
  if (!'storm'.includes(only)) return;
  const { micros, peak, all, late } = await measureStorm(servers);
  const title = `${STORM} clients at once`;
  results
    .table(title, "microseconds of the server's processor time per connection")
    .add(makeRow('storm', micros, [{ against: ws, atLeast: 1.6 }, { against: uws }, floor]));
  results
    .table(`${title}: memory`, 'KiB of resident memory at the peak per connection')
    .add(makeRow('storm', peak, [{ against: ws, atLeast: 1.11 }]));
  const times = results.table(`${title}: time`, 'ms until they are open');
  times.add(makeRow('99 of 100', late, [{ against: ws }]));
  times.add(makeRow('all', all, [{ against: ws }]));
}
