// `npm run soak:topics -- --engine nats --minutes 10`: processes with topics over an engine, while it and they are killed and stopped
// -> a line with all that was counted, and exit status 1 where a message was lost, doubled, or out of order.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Topics } from '../../../dist/topics/index.js';
import { openBroker, starts } from './brokers.mjs';
import { Proxy } from './proxy.mjs';
import { Publisher } from './publisher.mjs';
import { Subscriber } from './subscriber.mjs';
import { judgeKept, judgePlain } from './verdict.mjs';

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'redis' },
    history: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '1' },
    workers: { type: 'string', default: '3' },
    subscribers: { type: 'string', default: '600' },
    topics: { type: 'string', default: '20' },
    rate: { type: 'string', default: '200' },
    /** At least so many, however long they take. */
    faults: { type: 'string', default: '5' },
    /** How long between two faults, in ms. */
    every: { type: 'string', default: '3000' },
  },
});
const { engine: name, history: isKept } = values;
const [minutes, workerCount, subscriberCount, topicCount, rate, least, every] = [
  'minutes',
  'workers',
  'subscribers',
  'topics',
  'rate',
  'faults',
  'every',
].map((option) => {
  const number = Number(values[option]);
  if (!(number > 0)) throw new Error(`--${option} ${values[option]} is not a number above 0`);
  return number;
});
if (!Object.hasOwn(starts, name)) throw new Error(`--engine is one of ${Object.keys(starts).join(', ')}`);
const kind = name === 'cluster' && !isKept ? 'cluster-plain' : name;
/** A hub's history ends with it: it is stopped and goes on, and is not killed. */
const forgets = name === 'cluster' && isKept;

const engine = await starts[kind]();
const proxy = new Proxy(engine);
const where = await proxy.listen({ isPath: name === 'cluster' });
const names = Array.from({ length: topicCount }, (_, index) => `t${index}`);
const fates = { accepted: new Set(), rejected: new Map() };
const counts = {
  enginesKilled: 0,
  enginesStopped: 0,
  workersKilled: 0,
  workersStopped: 0,
  connectionsCut: 0,
  linksCut: 0,
  linksStalled: 0,
};

function note({ accepted = [], rejected = [] }) {
  for (const text of accepted) fates.accepted.add(text);
  for (const [text, mayBeAccepted] of rejected) fates.rejected.set(text, mayBeAccepted);
}

/** The workers that are there, with their ports. */
const workers = [];
let incarnation = 0;
async function startWorker(slot) {
  const settings = {
    engine: name,
    where,
    isKept,
    topics: names,
    rate: rate / (workerCount + 1),
    name: `w${incarnation++}`,
  };
  const child = fork(fileURLToPath(new URL('worker.mjs', import.meta.url)), [JSON.stringify(settings)]);
  const worker = { child, port: undefined, ended: undefined };
  worker.ended = new Promise((resolve) => {
    child.on('message', (news) => {
      note(news);
      if (news.ended) resolve();
    });
  });
  workers[slot] = worker;
  worker.port = (await once(child, 'message'))[0].port;
}

let turn = 0;
function urlOf() {
  for (;;) {
    const { port } = workers[turn++ % workers.length];
    if (port !== undefined) return `ws://127.0.0.1:${port}`;
    if (workers.every((worker) => worker.port === undefined)) return 'ws://127.0.0.1:1';
  }
}

await Promise.all(Array.from({ length: workerCount }, (_, slot) => startWorker(slot)));
const [broker, endClient] = await openBroker(name, where, isKept);
const topics = new Topics({ broker, checkInterval: 500 });
const own = new Publisher(topics, 'parent', names, note);
const subscribers = Array.from({ length: subscriberCount }, (_, i) => new Subscriber(names[i % topicCount], urlOf));
await Promise.all(subscribers.map(({ isReady }) => isReady));
own.begin(rate / (workerCount + 1));
for (const { child } of workers) child.send('publish');

const faults = [
  async function killWorker() {
    const slot = counts.workersKilled++ % workerCount;
    const { child } = workers[slot];
    workers[slot].port = undefined;
    child.kill('SIGKILL');
    await once(child, 'exit');
    await startWorker(slot);
    workers[slot].child.send('publish');
  },
  async function hitEngine() {
    if (forgets) return stopEngine();
    counts.enginesKilled++;
    await engine.stop();
    await delay(Math.random() * 500);
    await engine.start();
  },
  async function cutConnections() {
    counts.connectionsCut++;
    for (const subscriber of subscribers) if (Math.random() < 0.2) subscriber.cut();
  },
  stopEngine,
  async function stopWorker() {
    const { child } = workers[counts.workersStopped++ % workerCount];
    child.kill('SIGSTOP');
    await delay(Math.random() * 500);
    child.kill('SIGCONT');
  },
  async function cutLinks() {
    counts.linksCut++;
    proxy.cut();
  },
  async function stallLinks() {
    counts.linksStalled++;
    proxy.stall();
    await delay(Math.random() * 1500);
    proxy.resume();
  },
];
async function stopEngine() {
  counts.enginesStopped++;
  engine.pause();
  // Long enough to be found deaf, now and then.
  await delay(Math.random() * 1500);
  engine.resume();
}

const until = Date.now() + minutes * 60_000;
for (let index = 0; Date.now() < until || index < least; index++) {
  await delay(every);
  await faults[index % faults.length]();
}

// All are well again, and say one thing more on each topic.
await delay(500);
const ends = workers.map(({ child, ended }) => {
  child.send('end');
  return ended;
});
await Promise.all(ends);
await own.end();
const lastOf = new Map(
  names.map((topic) => [topic, [...fates.accepted].filter((text) => text.startsWith(`parent ${topic} `)).at(-1)]),
);
const patience = Date.now() + 20_000;
const isSent = ({ topic, sessions }) => sessions.some((session) => session.includes(lastOf.get(topic)));
while (!subscribers.every(isSent) && Date.now() < patience) await delay(50);
await delay(300);

const verdict = isKept ? judgeKept(subscribers, fates) : judgePlain(subscribers, fates);
const silent = subscribers.filter((subscriber) => !isSent(subscriber)).length;
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
console.log(
  JSON.stringify({
    engine: name,
    history: isKept,
    minutes,
    ...counts,
    accepted: fates.accepted.size,
    rejected: fates.rejected.size,
    delivered: sum(subscribers.map(({ sessions }) => sum(sessions.map((session) => session.length)))),
    reconnections: sum(subscribers.map(({ connections }) => connections - 1)),
    ...verdict,
    silent,
  }),
);
for (const subscriber of subscribers) subscriber.end();
await topics.close();
await endClient();
for (const { child } of workers) child.kill('SIGKILL');
proxy.end();
await engine.end();
process.exit(sum(Object.values(verdict)) + silent === 0 ? 0 : 1);
