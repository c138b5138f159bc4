// Processor time of permessage-deflate per message, ours beside `ws` with the same level, window and memory level, in one
// process and in interleaved rounds. Prints a table and writes bench/results/deflate.json. Needs a build.
import { mkdirSync, writeFileSync } from 'node:fs';
import { PerMessageDeflate } from 'ws';
import { createDeflater, createInflater, zlibPath } from '../dist/node/deflate/engines.js';
import { Role } from '../dist/spec/frame.js';

const LENGTHS = [200, 1024, 4096, 65_536];
const ROUNDS = 7;
const OCTETS_A_ROUND = 3_000_000;
const MESSAGES = { least: 60, most: 1500 };
const zlibDeflateOptions = { level: 6, windowBits: 15, memLevel: 8 };

/** JSON-like messages without repetitions from one to the next. */
function makeCorpus(length, count) {
  const pick = (list) => list[Math.floor(Math.random() * list.length)];
  return Array.from({ length: count }, () => {
    let text = '';
    while (text.length < length) {
      text += `${JSON.stringify({
        id: Math.random().toString(36).slice(2),
        symbol: pick(['EURUSD', 'GBPUSD', 'USDJPY', 'AUDCAD']),
        price: Math.round(Math.random() * 1e6) / 1e4,
        time: 1.7e12 + Math.floor(Math.random() * 1e10),
        side: pick(['buy', 'sell']),
        user: `user${Math.floor(Math.random() * 1e6)}`,
      })},`;
    }
    return Buffer.from(text.slice(0, length), 'latin1');
  });
}

/** Both sides behind one face: an answer at once, or a promise. */
function makeOurs(takeover) {
  const agreed = {
    serverNoContextTakeover: !takeover,
    clientNoContextTakeover: !takeover,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  let arrived;
  const deliver = (result) => arrived(result);
  const later = (answer) => (typeof answer === 'symbol' ? new Promise((resolve) => (arrived = resolve)) : answer);
  const deflater = createDeflater(agreed, Role.Server, { zlibDeflateOptions }, deliver);
  const inflater = createInflater(agreed, Role.Server, {}, deliver);
  return {
    deflate: (message) => later(deflater.deflate(message, true)),
    inflate: (payload) => later(inflater.inflate(payload, Infinity)),
    close: () => {
      deflater.close();
      inflater.close();
    },
  };
}

function makeWs(takeover) {
  const engine = new PerMessageDeflate({ isServer: true, zlibDeflateOptions });
  engine.accept([takeover ? {} : { server_no_context_takeover: [true], client_no_context_takeover: [true] }]);
  const promised = (method) => (data) =>
    new Promise((resolve, reject) => {
      engine[method](data, true, (error, result) => (error ? reject(error) : resolve(result)));
    });
  return { deflate: promised('compress'), inflate: promised('decompress'), close: () => engine.cleanup() };
}

/** Microseconds of processor time a message, all threads of the process together. */
async function timed(messages, work) {
  const results = [];
  const before = process.cpuUsage();
  for (const message of messages) {
    const answer = work(message);
    results.push(answer instanceof Promise ? await answer : answer);
  }
  const { user, system } = process.cpuUsage(before);
  return { microseconds: (user + system) / messages.length, results };
}

function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], least: sorted[0], most: sorted.at(-1) };
}

const rows = [];
for (const takeover of [false, true]) {
  for (const length of LENGTHS) {
    const count = Math.max(MESSAGES.least, Math.min(MESSAGES.most, Math.floor(OCTETS_A_ROUND / length)));
    const sides = { ours: makeOurs(takeover), ws: makeWs(takeover) };
    const times = { deflate: { ours: [], ws: [] }, inflate: { ours: [], ws: [] } };
    const compressed = { ours: 0, ws: 0 };
    for (let round = -1; round < ROUNDS; round += 1) {
      const corpus = makeCorpus(length, count);
      for (const side of round % 2 === 0 ? ['ours', 'ws'] : ['ws', 'ours']) {
        const deflated = await timed(corpus, sides[side].deflate);
        const inflated = await timed(deflated.results, sides[side].inflate);
        if (!inflated.results.every((result, index) => corpus[index].equals(result)))
          throw new Error(`${side} is wrong`);
        // The first round warms up.
        if (round < 0) continue;
        times.deflate[side].push(deflated.microseconds);
        times.inflate[side].push(inflated.microseconds);
        compressed[side] += deflated.results.reduce((sum, { length }) => sum + length, 0) / count / ROUNDS;
      }
    }
    for (const side of Object.values(sides)) side.close();
    for (const operation of ['deflate', 'inflate']) {
      const ours = middle(times[operation].ours);
      const ws = middle(times[operation].ws);
      const ratios = middle(times[operation].ours.map((value, index) => times[operation].ws[index] / value));
      rows.push({ operation, takeover, length, ours, ws, ratios, compressed });
    }
  }
}

const one = (value) => value.toFixed(1);
console.table(
  rows.map(({ operation, takeover, length, ours, ws, ratios, compressed }) => ({
    operation: `${operation}${takeover ? ', takeover' : ''}`,
    octets: length,
    'ours us': one(ours.median),
    'ws us': one(ws.median),
    ratio: `${one(ratios.median)} (${one(ratios.least)}-${one(ratios.most)})`,
    'ours, ws octets': `${Math.round(compressed.ours)}, ${Math.round(compressed.ws)}`,
  })),
);
mkdirSync(new URL('results/', import.meta.url), { recursive: true });
const report = { node: process.version, zlibPath: zlibPath(), zlibDeflateOptions, rounds: ROUNDS, rows };
writeFileSync(new URL('results/deflate.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
