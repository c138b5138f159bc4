// `npm run bench:metrics`: the processor time that counting and channels add to an echo of 16 B, 64 deep, and that a report of
// 10,000 connections takes. All servers stand beside one another and take turns. `-- --smoke` runs one round.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { pinning, start } from './lib/programs.mjs';
import { summarize } from './lib/rounds.mjs';
import { isSmoke } from './lib/times.mjs';

const ROUNDS = isSmoke ? 2 : 60;
const TURN = isSmoke ? 100 : 200;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

// A copy of the library in which no place asks whether a channel has subscribers.
const copy = mkdtempSync(join(tmpdir(), 'wsimd-without-channels-'));
for (const part of ['dist', 'lib', 'package.json']) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
const front = join(copy, 'dist/front.cjs');
const asked = /\b[\w.$]+\.hasSubscribers\b/g;
const text = readFileSync(front, 'utf8');
if (!asked.test(text)) throw new Error('no place asks for subscribers');
writeFileSync(front, text.replaceAll(asked, 'false'));

const VARIANTS = {
  'without channels': { library: join(copy, 'dist/index.js') },
  'no subscriber': {},
  statistics: { statistics: true },
  'metrics on': { metrics: true },
};

console.log(pinning);
const load = await start('load.mjs', { core: 1 });
const sides = [];
try {
  for (const [name, settings] of Object.entries(VARIANTS)) {
    const server = await start('servers/metrics.mjs', { core: 0, settings });
    const open = { name, port: server.port, mode: 'echo', connections: 50, length: 16, depth: 64, kind: 'ascii' };
    sides.push({ name, server, group: await load.ask({ open }), samples: [] });
  }
  for (const side of sides) await turn(side, 1500);
  for (let round = 0; round < ROUNDS; round++) {
    for (let at = 0; at < sides.length; at++) {
      const side = sides[(round + at) % sides.length];
      side.samples.push(await turn(side, TURN));
    }
  }
  report();
  await load.ask('close');
  const open = { name: 'scrape', port: sides[3].server.port, mode: 'echo', connections: 10_000, length: 16, depth: 1 };
  await load.ask({ open: { ...open, kind: 'ascii' } });
  const { micros } = await sides[3].server.ask('scrape');
  console.log(`a report of 10,000 connections: ${(micros / 1000).toFixed(2)} ms of processor time`);
} finally {
  await Promise.all([load, ...sides.map(({ server }) => server)].map((program) => program.stop()));
  rmSync(copy, { recursive: true });
}

/** Microseconds of processor time of the server for each message, while its group works so long. */
async function turn({ server, group }, ms) {
  await load.ask({ start: group });
  // What comes first finds caches of others.
  await sleep(20);
  const before = await server.ask('usage');
  await sleep(ms);
  const after = await server.ask('usage');
  await load.ask({ pause: group });
  return (after.micros - before.micros) / (after.count - before.count);
}

function report() {
  const [base] = sides;
  for (const { name, samples } of sides) {
    const ratios = samples.map((each, round) => each / base.samples[round]);
    const added = (summarize(ratios).median - 1) * 100;
    const spread = ratios.toSorted((a, b) => a - b);
    const [low, high] = [0.25, 0.75].map((share) => (spread[Math.floor(share * (spread.length - 1))] - 1) * 100);
    console.log(
      `${name.padEnd(18)} ${summarize(samples).median.toFixed(4)} µs   ${added >= 0 ? '+' : ''}${added.toFixed(1)} %` +
        `   (half of the rounds from ${low.toFixed(1)} to ${high.toFixed(1)} %)`,
    );
  }
}
