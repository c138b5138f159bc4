// `npm run bench:metrics`: the processor time that counting and channels add to an echo of 16 B, 64 deep, and that a
// report of 10,000 connections takes. All servers stand beside one another and take turns. `-- --smoke` runs two rounds.
//
// Two processes with the same program differ by up to 8 %: the optimizing compiler does not always come to the same
// code. So each variant has several processes, a round compares their medians, and the first variant is there twice.
import { channel } from 'node:diagnostics_channel';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { pinning, start } from './lib/programs.mjs';
import { summarize } from './lib/rounds.mjs';
import { isSmoke } from './lib/times.mjs';

const ROUNDS = isSmoke ? 2 : 30;
const TURN = isSmoke ? 100 : 200;
const PROCESSES = isSmoke ? 1 : 6;
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
  'the same again': { library: join(copy, 'dist/index.js') },
  'no subscriber': {},
  statistics: { statistics: true },
  'metrics on': { metrics: true },
};

console.log(pinning);
const load = await start('load.mjs', { core: 1 });
const sides = [];
try {
  for (let each = 0; each < PROCESSES; each++) {
    for (const [name, settings] of Object.entries(VARIANTS)) {
      const server = await start('servers/metrics.mjs', { core: 0, settings });
      const open = { name, port: server.port, mode: 'echo', connections: 50, length: 16, depth: 64, kind: 'ascii' };
      sides.push({ name, server, group: await load.ask({ open }), samples: [] });
    }
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
  const { server } = sides.find(({ name }) => name === 'metrics on');
  const open = { name: 'scrape', port: server.port, mode: 'echo', connections: 10_000, length: 16, depth: 1 };
  await load.ask({ open: { ...open, kind: 'ascii' } });
  const { median, first, longest } = await server.ask('scrape');
  const ms = (micros) => (micros / 1000).toFixed(2);
  const others = `the first ${ms(first)}, the longest ${ms(longest)}`;
  console.log(`a report of 10,000 connections: ${ms(median)} ms of processor time, the median of 60; ${others}`);
  console.log(`the two checks of a message alone: ${checks().toFixed(3)} ns`);
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

/** Nanoseconds that asking two channels for subscribers adds to an empty step: the median of 21 pairs of loops. */
function checks() {
  const [received, sent] = ['received', 'sent'].map((name) => channel(`wsimd:message:${name}`));
  const steps = isSmoke ? 1e6 : 1e8;
  let sum = 0;
  const loop = (step) => {
    const begun = process.hrtime.bigint();
    for (let count = 0; count < steps; count++) step(count);
    return Number(process.hrtime.bigint() - begun) / steps;
  };
  const empty = (count) => (sum = (sum + count) | 0);
  const asking = (count) => {
    if (received.hasSubscribers) sum = 1;
    sum = (sum + count) | 0;
    if (sent.hasSubscribers) sum = 2;
  };
  for (const step of [empty, asking]) loop(step);
  const added = Array.from({ length: 21 }, () => loop(asking) - loop(empty));
  return summarize(added).median;
}

function report() {
  const variants = Object.keys(VARIANTS).map((name) => {
    const own = sides.filter((side) => side.name === name);
    const middles = own[0].samples.map((_, round) => summarize(own.map(({ samples }) => samples[round])).median);
    return { name, middles, medians: own.map(({ samples }) => summarize(samples).median) };
  });
  const [base] = variants;
  for (const { name, middles, medians } of variants) {
    const ratios = middles.map((middle, round) => middle / base.middles[round]).toSorted((a, b) => a - b);
    const [low, high] = [0.25, 0.75].map((share) => added(ratios[Math.floor(share * (ratios.length - 1))]));
    const [lowest, highest] = [Math.min(...medians), Math.max(...medians)].map((micros) => micros.toFixed(4));
    console.log(
      `${name.padEnd(18)} ${summarize(middles).median.toFixed(4)} µs (processes ${lowest} to ${highest})` +
        `   ${added(summarize(ratios).median)} %   (half of the rounds from ${low} to ${high} %)`,
    );
  }
}

/** A ratio as what it adds, in percent. */
function added(ratio) {
  const percent = ((ratio - 1) * 100).toFixed(1);
  return ratio < 1 ? percent : `+${percent}`;
}
