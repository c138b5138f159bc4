// npm run soak -- --connections N --minutes M: a server and its clients in processes of their own -> a live line, a JSON line a
// second, a plot, and exit status 1 on any fault or when the server's memory grows.
import { fork } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Faults } from './message.mjs';
import { drawSoak } from './plot.mjs';

const MIB = 1024 * 1024;
/** Memory is judged once everything has warmed up: from this second on, and over at least as long as the second figure. */
const SLOPE_FROM = 180;
const SLOPE_OVER = 60;
const SLOPE_AT_MOST = 1;
/**
 * What the engine takes and gives back by itself would hide growth or look like it. The young generation, which changes in
 * steps of up to 25 MiB, keeps its size; the old one, which grew by 60 MiB within half a minute, is collected by the server.
 */
const SERVER_FLAGS = ['--min-semi-space-size=16', '--max-semi-space-size=16', '--expose-gc'];
/** A process has 20,000 file descriptors. */
const CONNECTIONS_PER_CLIENT = 8000;

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '1' },
    rate: { type: 'string', default: '3000' },
    chaos: { type: 'string', default: '0.05' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    out: { type: 'string', default: fileURLToPath(new URL('../../build/soak', import.meta.url)) },
  },
});
const [connections, minutes, rate, chaos, seed] = ['connections', 'minutes', 'rate', 'chaos', 'seed'].map((name) => {
  const number = Number(values[name]);
  if (!(number >= 0)) throw new Error(`--${name} ${values[name]} is not a number of 0 or more`);
  return number;
});
mkdirSync(values.out, { recursive: true });
const jsonl = createWriteStream(`${values.out}/soak.jsonl`);

const start = (file, args, execArgv = []) => {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args.map(String), { execArgv });
  child.on('exit', (code) => {
    if (code !== 0) stop(`${file} ended with status ${code}`);
  });
  return child;
};
const next = (child, name) =>
  new Promise((resolve) => {
    child.on('message', (message) => {
      if (name in message) resolve(message[name]);
    });
  });
function stop(why) {
  console.error(`\nsoak: ${why}`);
  process.exit(1);
}

const server = start('server.mjs', [], SERVER_FLAGS);
const port = await next(server, 'port');
const processes = Math.max(1, Math.ceil(connections / CONNECTIONS_PER_CLIENT));
const share = (total, index) => Math.floor(((index + 1) * total) / processes) - Math.floor((index * total) / processes);
const clients = Array.from({ length: processes }, (_, index) => {
  const churn = connections / 200 / processes;
  return start('client.mjs', [
    port,
    share(connections, index),
    rate / processes,
    churn,
    chaos,
    1 + index * 2 ** 28,
    seed + index,
  ]);
});
console.log(`soak: ${connections} connections, ${minutes} minutes, ${rate} messages a second, seed ${seed}`);

const told = clients.map(() => undefined);
clients.forEach((client, index) => client.on('message', ({ client: report }) => (told[index] = report ?? told[index])));
const samples = [];
const began = performance.now();
let lastMessages = 0;
server.on('message', ({ server: report }) => {
  if (report === undefined || isEnding) return;
  const second = Math.round((performance.now() - began) / 1000);
  const faults = new Faults();
  faults.add(report.faults);
  for (const client of told) if (client !== undefined) faults.add(client.faults);
  const sample = {
    second,
    rate: report.messages - lastMessages,
    faults: faults.total,
    server: report,
    clients: told.filter((report) => report !== undefined),
  };
  lastMessages = report.messages;
  samples.push(sample);
  jsonl.write(`${JSON.stringify(sample)}\n`);
  const line =
    `${second} s  ${report.connections} connections  ${sample.rate} messages/s  ${Math.round(report.rss / MIB)} MiB  ` +
    `delay p99 ${report.delayP99.toFixed(0)} ms, max ${report.delayMax.toFixed(0)} ms  ${faults.total} faults`;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
  else if (second % 10 === 0) console.log(line);
});

let isEnding = false;
await new Promise((resolve) => setTimeout(resolve, minutes * 60_000));
isEnding = true;
const ends = clients.map((client) => next(client, 'end'));
for (const client of clients) client.send('end');
const clientEnds = await Promise.all(ends);
const serverEnds = next(server, 'end');
server.send('end');
const { faults: serverFaults, connections: left } = await serverEnds;

const faults = new Faults();
faults.add(serverFaults);
for (const { faults: ofClient } of clientEnds) faults.add(ofClient);
const sum = (name) => clientEnds.reduce((total, end) => total + end[name], 0);
const trouble = clientEnds.reduce((total, { chaos }) => total + Object.values(chaos).reduce((a, b) => a + b, 0), 0);
const settled = samples.filter(({ second }) => second >= SLOPE_FROM);
const slope = settled.length >= SLOPE_OVER ? slopeOf(settled) : undefined;
const delays = samples.slice(10).map(({ server }) => server.delayP99);
delays.sort((a, b) => a - b);
const summary = {
  connections,
  minutes,
  seed,
  node: process.version,
  messages: sum('received'),
  opened: sum('opened'),
  refused: sum('refused'),
  closed: sum('closed'),
  trouble,
  ...faults.counts,
  mostConnections: Math.max(...samples.map(({ server }) => server.connections)),
  leftOpen: left,
  rssEndMiB: Math.round((samples.at(-1)?.server.rss ?? 0) / MIB),
  rssSlopeMiBPerMinute: slope === undefined ? null : Number(slope.toFixed(3)),
  delayP99MedianMs: Number((delays[delays.length >> 1] ?? 0).toFixed(1)),
  delayMaxMs: Number(Math.max(...samples.slice(10).map(({ server }) => server.delayMax)).toFixed(1)),
};
jsonl.end(`${JSON.stringify({ summary })}\n`);
writeFileSync(`${values.out}/soak.svg`, drawSoak(samples, `${connections} connections for ${minutes} minutes`));
console.log(`\n${JSON.stringify(summary, undefined, 2)}\nwritten: ${values.out}/soak.jsonl, soak.svg`);
if (faults.total > 0) stop(`${faults.total} faults on healthy connections`);
if (left > 0) stop(`${left} connections are still open on the server`);
if (summary.messages === 0) stop('not one message was echoed');
if (summary.mostConnections < connections * 0.9)
  stop(`no more than ${summary.mostConnections} connections were open at once`);
if (slope > SLOPE_AT_MOST) stop(`the server grew by ${slope.toFixed(2)} MiB a minute, more than ${SLOPE_AT_MOST}`);
process.exit(0);

/** MiB of RSS a minute, by least squares. */
function slopeOf(points) {
  const xs = points.map(({ second }) => second / 60);
  const ys = points.map(({ server }) => server.rss / MIB);
  const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
  const [x, y] = [mean(xs), mean(ys)];
  const over = xs.reduce((total, value, i) => total + (value - x) * (ys[i] - y), 0);
  return over / xs.reduce((total, value) => total + (value - x) ** 2, 0);
}
