// `npm run bench:broadcast`: one message of 1 KiB of JSON to 500 connections, plain and compressed once for all, beside `ws`,
// which compresses it for each; processor time per delivery, threads included, in interleaved rounds. Needs a build.
import { setTimeout as sleep } from 'node:timers/promises';
import { pinning, start } from './lib/programs.mjs';
import { makeRow, openResults } from './lib/results.mjs';
import { summarize } from './lib/rounds.mjs';
import { isSmoke, only } from './lib/times.mjs';

const ROUNDS = isSmoke ? 1 : 9;
const CONNECTIONS = isSmoke ? 50 : 500;
/** Seconds of load before each measurement, the first one of a server longer, and of the measurement itself. */
const WARM_UP = 0.1;
const FIRST_WARM_UP = isSmoke ? 0.2 : 1;
const SECONDS = isSmoke ? 0.2 : 0.5;
const TAKEOVER = 'permessage-deflate';
const NO_TAKEOVER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

const results = openResults('broadcast', 'npm run bench:broadcast');
results.note(pinning);
results.note('"a loop" calls `send` for each connection; `ws` then compresses for each, in its pool of threads');
const table = results.table(
  `One message to ${CONNECTIONS} connections, 1 KiB of JSON`,
  "microseconds of the server's processor time per delivery",
);
const receivers = await start('receivers.mjs', { core: 1 });
for (const [label, extensions, burst] of [
  ['without takeover, 1 a tick', NO_TAKEOVER, 1],
  ['without takeover, 8 a tick', NO_TAKEOVER, 8],
  ['with takeover, 1 a tick', TAKEOVER, 1],
  ['with takeover, 8 a tick', TAKEOVER, 8],
]) {
  if (!label.includes(only)) continue;
  const sides = [];
  try {
    for (const [name, file, kind, offer] of [
      ['wsimd', 'servers/wsimd.mjs', 'broadcast', extensions],
      ['wsimd, plain', 'servers/wsimd.mjs', 'broadcast', ''],
      ['ws, a loop', 'servers/ws.mjs', 'loop', extensions],
      ['ws, a loop, plain', 'servers/ws.mjs', 'loop', ''],
    ]) {
      const settings = { work: kind, burst, length: 1024, isJson: true, deflate: offer !== '' };
      const running = await start(file, { core: 0, settings });
      const opened = { port: running.port, connections: CONNECTIONS, extensions: offer, burst };
      sides.push({ name, running, group: await receivers.ask({ open: opened }) });
    }
    const figures = await measureSides(sides);
    table.add(
      makeRow(label, figures, [
        { against: ['ws, a loop'], atLeast: 20 },
        // At most 1.3 of the time of the plain message.
        { against: ['wsimd, plain'], atLeast: 1 / 1.3 },
      ]),
    );
  } finally {
    await receivers.ask('close');
    await Promise.all(sides.map(({ running }) => running.stop()));
  }
}
await receivers.stop();
results.write();

async function work(group, seconds) {
  await receivers.ask({ start: group });
  await sleep(seconds * 1000);
  await receivers.ask({ pause: group });
}

/** Rounds over the servers; all connections stay open from the first to the last, and one server works at a time. */
async function measureSides(sides) {
  const micros = sides.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const at = (round + turn) % sides.length;
      const { running, group } = sides[at];
      await work(group, round === 0 ? FIRST_WARM_UP : WARM_UP);
      // From quiet to quiet: all that was asked for has been compressed and has come.
      const before = await running.ask('usage');
      await work(group, SECONDS);
      const after = await running.ask('usage');
      micros[at].push((after.micros - before.micros) / (after.count - before.count));
    }
  }
  return sides.map(({ name }, i) => ({ name, ...summarize(micros[i]) }));
}
