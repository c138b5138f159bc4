// The command line of the fuzzers becomes threads that work for as long as they are let, a line of progress now and then,
// files for what failed, and one line in a log whose runs are summed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { playCalls } from './calls.js';
import { playDeflate } from './deflating.js';
import { examine, newTally, type Tally } from './differential.js';
import { exhaustive } from './exhaustive.js';
import { examineInflating } from './inflating.js';
import { playIsolation, type Findings } from './isolation.js';
import { run, say, type Failure, type Order, type Report } from './job.js';
import { writeCorpus } from './programs.js';
import { CORPUS } from './server-job.js';
import { playServer, watch } from './server-play.js';
import { parse } from './shrink.js';
import { KERNELS } from '../support/our-decoders.js';

const USAGE = `npm run fuzz -- [options]
  --minutes N    stop after N minutes (default: 1; with --inputs: none)
  --inputs N     stop after N inputs, if that comes first
  --seed S       begin with this seed (default: the time)
  --jobs N       threads (default: 1)
  --log FILE     add a line about this run to FILE, and print the sum of its lines (default: build/fuzz/log.jsonl)
  --replay FILE  play one saved input, and say what is wrong with it
  --server       play programs to a whole server on a mock socket, guided by coverage
  --save-corpus  with --server: write the programs that it was guided by to ${CORPUS}
  --isolation    play connections whose payloads carry marks, and look for those of others; an input is a message
  --calls        make random calls of the codec with random arguments on connections that share memory; an input is a call
  --deflate      hold the codec's inflater and deflater against zlib, both ways; an input is a stream
  --exhaustive   go through the sets that can be gone through whole`;

const DIRECTORY = 'build/fuzz';
const PROGRESS_EVERY = 10_000;
/** Messages that are sent in an episode of marked ones. */
const MARKED_MESSAGES = 4000;
/** Minutes that end no run by inputs; a timer can take them. */
const WEEK = 7 * 24 * 60;
/** Streams of one seed. */
const STREAMS = 400;
/** Random calls that are made with one seed. */
const CALLS = 4000;
/** A thread that says nothing for so long hangs; all of them share two cores with others. */
const HANGS_AFTER = 300_000;

/** A line of the log. */
interface Run extends Tally {
  date: string;
  node: string;
  commit: string;
  seed: number;
  seconds: number;
  failures: number;
}

if (isMainThread) await main();
else if ('marked' in (workerData as object)) await playMarked((workerData as { marked: Marked }).marked);
else await run(workerData as Order);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      inputs: { type: 'string', default: 'Infinity' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      jobs: { type: 'string', default: '1' },
      log: { type: 'string', default: `${DIRECTORY}/log.jsonl` },
      replay: { type: 'string' },
      server: { type: 'boolean', default: false },
      'save-corpus': { type: 'boolean', default: false },
      isolation: { type: 'boolean', default: false },
      calls: { type: 'boolean', default: false },
      deflate: { type: 'boolean', default: false },
      exhaustive: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  if (values.exhaustive) return exhaustive(console.log);
  if (values.replay !== undefined) return replay(values.replay);
  const [minutes, inputs, seed, jobs] = [
    values.minutes ?? (values.inputs === 'Infinity' ? 1 : WEEK),
    values.inputs,
    values.seed,
    values.jobs,
  ].map(Number);
  if (![minutes, inputs, seed, jobs].every((number) => number >= 0) || jobs < 1) {
    throw new Error(`--minutes, --inputs, --seed and --jobs take numbers\n${USAGE}`);
  }
  if (values.isolation) return isolation(seed, inputs, minutes * 60_000, jobs);
  if (values.deflate) return deflate(seed, inputs, minutes * 60_000);
  if (values.calls) return calls(seed, inputs, minutes * 60_000);
  const done = await fuzz({ seed, inputs, isServer: values.server, jobs }, minutes * 60_000, values['save-corpus']);
  mkdirSync(DIRECTORY, { recursive: true });
  appendFileSync(values.log, `${JSON.stringify(done)}\n`);
  console.log(JSON.stringify(done));
  summarize(values.log);
  process.exitCode = done.failures === 0 ? 0 : 1;
}

/** A thread's share of the episodes of marked messages: every `step`th seed. */
interface Marked {
  seed: number;
  step: number;
  inputs: number;
  milliseconds: number;
}

/** The counts of an episode, or of all that a thread has played. */
type MarkedCounts = Pick<Findings, 'messages' | 'memories' | 'found'>;

/** Plays episodes in a thread of their own, one after another, until messages, time or a finding end them; tells each. */
async function playMarked({ seed, step, inputs, milliseconds }: Marked): Promise<void> {
  const start = performance.now();
  for (let messages = 0; messages < inputs && performance.now() - start < milliseconds; seed += step) {
    const { kinds: _, ...counts } = await playIsolation(seed, MARKED_MESSAGES);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    parentPort!.postMessage(counts satisfies MarkedCounts);
    messages += counts.messages;
    if (counts.found.length > 0) return;
  }
}

/** Has threads play episodes of marked messages, and adds up what they tell. */
async function isolation(seed: number, inputs: number, milliseconds: number, jobs: number): Promise<void> {
  const start = performance.now();
  const seconds = (): number => Math.round((performance.now() - start) / 1000);
  const found: string[] = [];
  let [messages, memories, told] = [0, 0, start];
  const line = (): string =>
    `seed ${seed}: ${messages} messages, ${memories} memories, ${seconds()} s, ${found.length} found`;
  const add = (counts: MarkedCounts): void => {
    messages += counts.messages;
    memories += counts.memories;
    found.push(...counts.found);
    for (const finding of counts.found) console.log(finding);
    if (performance.now() - told < PROGRESS_EVERY) return;
    told = performance.now();
    console.log(line());
  };
  await Promise.all(
    Array.from({ length: jobs }, (_, first) => {
      const marked: Marked = { seed: seed + first, step: jobs, inputs: Math.ceil(inputs / jobs), milliseconds };
      const worker = new Worker(new URL(import.meta.url), { workerData: { marked } });
      worker.on('message', add);
      return once(worker, 'exit');
    }),
  );
  console.log(line());
  process.exitCode = found.length === 0 ? 0 : 1;
}

/** Makes rounds of random calls, on each set of kernels in turn, until calls, time or a finding end them. */
function calls(seed: number, inputs: number, milliseconds: number): void {
  const start = performance.now();
  let [made, refused, bytes] = [0, 0, 0];
  let found: string[] = [];
  const line = (): string => {
    const seconds = Math.round((performance.now() - start) / 1000);
    return `seed ${seed}: ${made} calls, ${refused} refused, ${bytes} bytes read, ${seconds} s, ${found.length} found`;
  };
  let told = start;
  for (; made < inputs && performance.now() - start < milliseconds && found.length === 0; seed++) {
    const findings = playCalls(seed, Math.min(CALLS, inputs - made), KERNELS[seed % KERNELS.length]);
    made += findings.calls;
    refused += findings.refused;
    bytes += findings.bytes;
    found = findings.found;
    if (performance.now() - told < PROGRESS_EVERY) continue;
    told = performance.now();
    console.log(line());
  }
  console.log([...found, line()].join('\n'));
  process.exitCode = found.length === 0 ? 0 : 1;
}

/** Plays episodes of streams, until streams, time or a finding end them. */
function deflate(seed: number, inputs: number, milliseconds: number): void {
  const start = performance.now();
  let [inflated, deflated, wrong, refused, told] = [0, 0, 0, 0, start];
  let found: string[] = [];
  const line = (): string =>
    `seed ${seed}: ${inflated} streams of zlib inflated, ${deflated} deflated for zlib, ${wrong} wrong ones, ` +
    `${refused} of them refused, ${Math.round((performance.now() - start) / 1000)} s, ${found.length} found`;
  const isOver = (): boolean =>
    inflated + deflated + wrong >= inputs || performance.now() - start >= milliseconds || found.length > 0;
  for (; !isOver(); seed++) {
    const findings = playDeflate(seed, STREAMS);
    inflated += findings.inflated;
    deflated += findings.deflated;
    wrong += findings.wrong;
    refused += findings.refused;
    found = findings.found;
    if (performance.now() - told < PROGRESS_EVERY) continue;
    told = performance.now();
    console.log(line());
  }
  console.log([...found, line()].join('\n'));
  process.exitCode = found.length === 0 ? 0 : 1;
}

/** Runs the threads until time, inputs or a signal end them. */
async function fuzz(
  { seed, inputs, isServer, jobs }: { seed: number; inputs: number; isServer: boolean; jobs: number },
  milliseconds: number,
  savesCorpus: boolean,
): Promise<Run> {
  const commit = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim();
  console.log(`Commit ${commit}, Node ${process.version}, kernels: ${KERNELS.map(({ name }) => name).join(' and ')}`);
  const start = performance.now();
  const reports: Report[] = [];
  const failures: Failure[] = [];
  const line = (): string => {
    const { inputs, splits, features } = sum(reports.map(({ tally }) => tally));
    const what = isServer ? `${inputs} programs, ${features} features` : `${inputs} inputs, ${splits} split runs`;
    const seconds = (performance.now() - start) / 1000;
    const rate = Math.round(inputs / seconds);
    return `seed ${seed}: ${what}, ${rate}/s, ${Math.round(seconds)} s, ${failures.length} failures`;
  };
  const stopping = new Int32Array(new SharedArrayBuffer(4));
  const workers = Array.from({ length: jobs }, (_, first) => {
    const order: Order = { stopping, seed, first, step: jobs, inputs: Math.ceil(inputs / jobs), isServer };
    return new Worker(new URL(import.meta.url), { workerData: order });
  });
  const stop = (): void => void Atomics.store(stopping, 0, 1);
  const timer = setTimeout(stop, milliseconds);
  process.once('SIGTERM', stop).once('SIGINT', stop);
  const progress = setInterval(() => console.log(line()), PROGRESS_EVERY);
  await Promise.all(
    workers.map((worker, index) =>
      listen(worker, index, seed, reports, (failure) => {
        failures.push(failure);
        save(failure);
      }),
    ),
  );
  clearTimeout(timer);
  clearInterval(progress);
  console.log(line());
  if (savesCorpus) writeCorpus(CORPUS, reports[0].corpus);
  const tally = sum(reports.map((report) => report.tally));
  const seconds = Math.round((performance.now() - start) / 1000);
  const date = new Date().toISOString().slice(0, 10);
  return { date, node: process.version, commit, seed, seconds, failures: failures.length, ...tally };
}

/** Resolves when the thread has done its share. */
function listen(
  worker: Worker,
  index: number,
  seed: number,
  reports: Report[],
  onFailure: (failure: Failure) => void,
): Promise<void> {
  reports[index] = { tally: newTally(), batch: index, failures: [], isDone: false, corpus: [] };
  return new Promise((resolve, reject) => {
    const hangs = (): void =>
      reject(new Error(`a thread hangs in a batch after ${reports[index].batch} of seed ${seed}`));
    let watch = setTimeout(hangs, HANGS_AFTER);
    worker.on('error', reject);
    worker.on('message', (report: Report) => {
      clearTimeout(watch);
      reports[index] = report;
      report.failures.forEach(onFailure);
      if (report.isDone) resolve();
      else watch = setTimeout(hangs, HANGS_AFTER);
    });
  });
}

function save({ batch, input, what }: Failure): void {
  const name = createHash('sha1').update(input).digest('hex').slice(0, 10);
  const file = `${DIRECTORY}/failures/${name}`;
  mkdirSync(`${DIRECTORY}/failures`, { recursive: true });
  writeFileSync(file, input);
  console.log(`batch ${batch}: ${what}\n  again with: npm run fuzz -- --replay ${file}`);
}

async function replay(file: string): Promise<void> {
  Error.stackTraceLimit = 10;
  const text = readFileSync(file, 'utf8').trim();
  if (!text.startsWith('{')) {
    watch();
    const what = await playServer(new Uint8Array(Buffer.from(text, 'hex')));
    console.log(what ?? 'Every promise was kept.');
    process.exitCode = what === undefined ? 0 : 1;
    return;
  }
  const input = parse(text);
  const disagreement = input.deflate ? await examineInflating(input, newTally()) : examine(input, newTally());
  console.log(disagreement === undefined ? 'All decoders agree.' : say(disagreement));
  process.exitCode = disagreement === undefined ? 0 : 1;
}

function sum(tallies: Tally[]): Tally {
  const total = newTally();
  for (const { differences, ...counts } of tallies) {
    // Not a sum: threads reach the same blocks.
    total.features = Math.max(total.features, counts.features ?? 0);
    for (const name of ['inputs', 'splits', 'runs', 'octets', 'inflating'] as const) total[name] += counts[name];
    for (const [name, count] of Object.entries(differences)) {
      total.differences[name] = (total.differences[name] ?? 0) + count;
    }
  }
  return total;
}

/** Prints the sum over all runs of a log. */
function summarize(log: string): void {
  const runs = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Run);
  const { differences, ...counts } = sum(runs);
  const failures = runs.reduce((total, run) => total + run.failures, 0);
  console.log(`${log}: ${runs.length} runs, ${JSON.stringify(counts)}, ${failures} failures`);
  for (const [name, count] of Object.entries(differences)) console.log(`  ${count} x ${name}`);
}
