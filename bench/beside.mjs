// `npm run bench:beside -- <directory>`: this build beside that of another checkout, which has been built before: decoding and
// encoding, and the echo of two servers under one load, all in interleaved rounds. Each row is measured in several processes, or
// pairs of servers, as the engine makes other machine code in each. Prints the other's time over ours: 1.05 is 5 % less time here.
// `-- <directory> --only <text>` measures a part, `--mixed` all rows of the codec in one process. Needs a build.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { batchOf, DECODING, TABLE } from './lib/cells.mjs';
import { ourDecoder } from './lib/decoders.mjs';
import { makePayload, makeStream } from './lib/frames.mjs';
import { start } from './lib/programs.mjs';
import { measure, repeat, summarize } from './lib/rounds.mjs';
import { measureSides } from './lib/sides.mjs';
import { isSmoke, only } from './lib/times.mjs';

const directory = process.argv[2];
if (directory === undefined || directory.startsWith('-')) {
  console.error('Usage: npm run bench:beside -- <directory of a checkout that has been built> [--only <text>]');
  process.exit(2);
}
const MICRO = isSmoke ? { rounds: 1, slice: 2, warmUp: 10 } : { rounds: 5, slice: 40, warmUp: 400 };
/** Processes that measure a row of the codec, and pairs of servers that measure an echo. */
const PROCESSES = isSmoke ? 1 : 11;
const PAIRS = isSmoke ? 1 : 5;
const ECHO = isSmoke
  ? { rounds: 1, firstWarmUp: 0.2, warmUp: 0.1, seconds: 0.2 }
  : { rounds: 9, firstWarmUp: 0.7, warmUp: 0.1, seconds: 0.2 };
const TEXT_FRAME = 0x81;
const BINARY_FRAME = 0x82;

const builds = {
  other: await load(pathToFileURL(`${resolve(directory)}/`)),
  here: await load(new URL('../', import.meta.url)),
};

async function load(root) {
  const part = (path) => import(new URL(`dist/${path}`, root).href);
  const [decoder, encoder, connection, values, frame] = await Promise.all(
    [
      'codec/frame-decoder.js',
      'codec/frame-encoder.js',
      'connection/connection.js',
      'node/values.js',
      'spec/frame.js',
    ].map(part),
  );
  return { ...decoder, ...encoder, ...connection, ...values, ...frame, entry: new URL('dist/index.js', root).href };
}

/** Tells one row: the times of the other build and of this one, round by round. */
function tell(label, [other, here]) {
  const ratios = summarize(other.map((time, round) => time / here[round]));
  const [before, now] = [other, here].map((times) => summarize(times).median.toPrecision(4));
  const spread = `${ratios.lowest.toFixed(2)}-${ratios.highest.toFixed(2)}`;
  console.log(`${label.padEnd(48)} ${before.padStart(8)} ${now.padStart(8)}  ${ratios.median.toFixed(3)} (${spread})`);
}

/** The one row that this process was started for, if it was. */
const rowAt = process.argv.indexOf('--row');
const row = rowAt === -1 ? undefined : process.argv[rowAt + 1];
const isMixed = process.argv.includes('--mixed');

function compare(label, makeOne) {
  if (row === undefined ? !label.includes(only) : label !== row) return;
  if (row !== undefined || isMixed) {
    const samples = measure([makeOne(builds.other), makeOne(builds.here)], MICRO).map((figure) => figure.samples);
    if (row === undefined) tell(label, samples);
    else console.log(JSON.stringify(samples));
    return;
  }
  const again = [
    '--expose-gc',
    fileURLToPath(import.meta.url),
    directory,
    '--row',
    label,
    ...(isSmoke ? ['--smoke'] : []),
  ];
  const all = Array.from({ length: PROCESSES }, () =>
    JSON.parse(execFileSync(process.execPath, again, { encoding: 'utf8' })),
  );
  tell(label, [all.flatMap(([other]) => other), all.flatMap(([, here]) => here)]);
}

function decoder({ Connection, nodeValues }, stream, text) {
  return ourDecoder('decode', stream, { text, values: nodeValues, Ours: Connection });
}

/** `write` is called for each frame, and the batch is taken after as many as a transport takes at once. */
function encoder(from, length, write) {
  const taken = () => {
    const chunks = from.takeOutput?.() ?? from.take();
    if (chunks.length === 1) from.reuse(chunks[0]);
  };
  return repeat('encode', write, taken, batchOf(length));
}

if (row === undefined)
  console.log(`${'ns, medians'.padEnd(48)} ${'other'.padStart(8)} ${'here'.padStart(8)}  other/here`);
for (const [kind, length, chunk] of DECODING) {
  const stream = makeStream({ kind, length, chunk });
  compare(`decode ${kind} ${length} B, chunks of ${chunk} B`, (build) => decoder(build, stream, 'bytes'));
  if (kind !== 'binary' && chunk === 65_536)
    compare(`decode ${kind} ${length} B into strings`, (build) => decoder(build, stream, 'string'));
}
for (const length of [16, 125, 1024, 4096]) {
  const text = makePayload('ascii', length).toString();
  const payload = makePayload('binary', length);
  for (const role of ['Server', 'Client']) {
    const frames = ({ FrameEncoder, Role, nodeValues }) => new FrameEncoder({ role: Role[role], values: nodeValues });
    const sends = ({ Connection, Role, nodeValues }) => new Connection({ role: Role[role], values: nodeValues });
    compare(`FrameEncoder.frame ${length} B, ${role}`, (build) => {
      const made = frames(build);
      return encoder(made, length, () => made.frame(BINARY_FRAME, payload));
    });
    compare(`FrameEncoder.text ${length} B, ${role}`, (build) => {
      const made = frames(build);
      return encoder(made, length, () => made.text(TEXT_FRAME, text));
    });
    compare(`Connection.send of bytes ${length} B, ${role}`, (build) => {
      const made = sends(build);
      return encoder(made, length, () => made.send(payload, { binary: true }));
    });
    compare(`Connection.send of text ${length} B, ${role}`, (build) => {
      const made = sends(build);
      return encoder(made, length, () => made.send(text, { binary: false }));
    });
  }
}

if (row !== undefined) process.exit();
const loader = await start('load.mjs', { core: 1 });
try {
  for (const cell of TABLE) {
    const { kind, length, connections, depth } = cell;
    const label = `echo ${kind} ${length} B, ${connections} connections, depth ${depth}`;
    if (!label.includes(only)) continue;
    const all = [[], []];
    for (let pair = 0; pair < PAIRS; pair++) (await echo(cell)).forEach((times, side) => all[side].push(...times));
    tell(label, all);
  }
} finally {
  await loader.stop();
}

/** The times of two new servers, of the other build and of this one, in ns a message. */
async function echo({ kind, length, connections, depth }) {
  const sides = [];
  try {
    for (const [name, { entry }] of Object.entries(builds)) {
      const running = await start('servers/wsimd.mjs', { core: 0, settings: { work: 'echo', entry } });
      sides.push({ name, running, wanted: { mode: 'echo', connections, length, depth, kind, tls: false } });
    }
    const figures = await measureSides(loader, sides, ECHO);
    return figures.map(({ samples }) => samples.map((micros) => micros * 1000));
  } finally {
    await Promise.all(sides.map(({ running }) => running.stop()));
  }
}
