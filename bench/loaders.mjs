// `npm run bench:loaders`: how much load `wsimd bench` makes from one core, and how its latencies compare with those of a load
// generator in C, both against our own echo server on the other core. `-- --smoke` runs one round, `-- --only <text>` one part.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isThere, pinning, start } from './lib/programs.mjs';
import { summarize } from './lib/rounds.mjs';
import { isSmoke, only } from './lib/times.mjs';

const ROUNDS = isSmoke ? 1 : 7;
const SECONDS = isSmoke ? 1 : 10;
const WARM_UP = 2;
const CONNECTIONS = 50;
const RATES = [1000, 10_000, 50_000, 100_000];
/** A server that does nothing for 10 ms, ten times a second: at 1,000 messages a second each hundredth waits 9 ms or more. */
const STALLS = { every: 100, blocked: 10 };
const STALLED_RATES = [1000, 10_000];
const SIZE = 125;
const OPEN_LOOP = fileURLToPath(new URL('loaders/open-loop.c', import.meta.url));
const COMMAND = fileURLToPath(new URL('../dist/cli/index.js', import.meta.url));
const pinned = availableParallelism() > 1 && isThere('taskset') ? ['taskset', '-c', '1'] : [];
const run = promisify(execFile);

console.log(pinning);
const echo = { core: 0, settings: { work: 'echo' } };
if ('capacity'.includes(only)) await against('servers/wsimd.mjs', echo, capacity);
if ('fixed rate'.includes(only)) await against('servers/wsimd.mjs', echo, (server) => fixedRates(server, RATES));
if ('stalls'.includes(only)) {
  console.log(`A server that does nothing for ${STALLS.blocked} ms each ${STALLS.every} ms:`);
  const stalling = { ...echo, settings: { ...echo.settings, ...STALLS } };
  await against('servers/stalling.mjs', stalling, (server) => fixedRates(server, STALLED_RATES));
}

async function against(program, options, measure) {
  const server = await start(program, options);
  try {
    await measure(server);
  } finally {
    await server.stop();
  }
}

/** The most that one worker makes of 16 B, 64 deep. */
async function capacity(server) {
  const rates = [];
  const micros = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { messages, load } = await ours(server, ['--depth', '64', '--size', '16']);
    rates.push(messages.perSecond);
    micros.push(load.microsPerMessage);
  }
  console.log(
    `16 B, ${CONNECTIONS} connections, 64 deep: ${Math.round(summarize(rates).median)} messages/s from one core`,
  );
  console.log(`  processor time of the load: ${summarize(micros).median.toFixed(3)} µs a message`);
}

/** Latencies that the two see by turns, and C once more: how far its own rounds are apart is as near as any load can come. */
async function fixedRates(server, rates) {
  if (!isThere('cc')) return console.log('not compared with C: cc is missing');
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-loaders-'));
  const program = join(directory, 'open-loop');
  try {
    execFileSync('cc', ['-O2', '-o', program, OPEN_LOOP]);
    for (const rate of rates) await fixedRate(program, server, rate);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function fixedRate(program, server, rate) {
  const inC = async () => {
    const given = [server.port, CONNECTIONS, rate, SIZE, WARM_UP, SECONDS].map(String);
    const { stdout } = await pin(program, given);
    const [p50, p99, p999, max] = stdout
      .trim()
      .split(' ')
      .map((ns) => Number(ns) / 1e6);
    return { p50, p99, 'p99.9': p999, max };
  };
  const inJavaScript = async () => (await ours(server, ['--rate', String(rate), '--size', String(SIZE)])).latency;
  const sides = { C: inC, wsimd: inJavaScript, 'C again': inC };
  const names = Object.keys(sides);
  const seen = { C: [], wsimd: [], 'C again': [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length];
      seen[name].push(await sides[name]());
    }
  }
  console.log(
    `${rate} messages/s of ${SIZE} B over ${CONNECTIONS} connections, ms; ratios of rounds, the least and the most`,
  );
  for (const figure of ['p50', 'p99', 'p99.9', 'max']) {
    const medians = names.map(
      (name) => `${name} ${summarize(seen[name].map((each) => each[figure])).median.toFixed(4)}`,
    );
    const ratios = names.slice(1).map((name) => {
      const { median, lowest, highest } = summarize(
        seen.C.map((each, round) => seen[name][round][figure] / each[figure]),
      );
      return `${name} / C ${median.toFixed(2)} (${lowest.toFixed(2)}-${highest.toFixed(2)})`;
    });
    console.log(`  ${figure.padEnd(6)} ${[...medians, ...ratios].join('  ')}`);
  }
}

async function ours(server, given) {
  const words = [COMMAND, 'bench', `ws://127.0.0.1:${server.port}`, '--workers', '1', '--json'];
  const times = ['--connections', String(CONNECTIONS), '--warmup', `${WARM_UP}s`, '--duration', `${SECONDS}s`];
  const { stdout } = await pin(process.execPath, [...words, ...times, ...given]);
  return JSON.parse(stdout);
}

function pin(command, given) {
  const [first, ...rest] = [...pinned, command, ...given];
  return run(first, rest, { maxBuffer: 64 * 1024 * 1024 });
}
