// npm run mutants: the release .wasm -> mutants of it (another operation, a constant one more or less, a store left out), and how
// many of them the comparison of test/kernels/twins.test.ts finds, but for those that cannot differ. --mutants N --seed S
import binaryen from 'binaryen';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { randomFrom } from '../memory/frames.mjs';

/** As in the test. */
const SEED = 1;
const ROUNDS = 1500;
const AT_LEAST = 0.95;
const ENDLESS_AFTER = 20_000;
/** Mutants that do the same by another way, each read and listed with its reason; a name that fits no mutant is of no effect. */
const EQUIVALENT = new Set(
  JSON.parse(readFileSync(new URL('wasm-equivalents.json', import.meta.url), 'utf8')).flatMap(({ mutants }) => mutants),
);

const { values } = parseArgs({
  options: { mutants: { type: 'string', default: '200' }, seed: { type: 'string', default: '6455' } },
});
const below = randomFrom(Number(values.seed));

const SWAPS = {
  add: 'sub',
  sub: 'add',
  and: 'or',
  or: 'and',
  xor: 'or',
  shl: 'shr_u',
  shr_u: 'shl',
  shr_s: 'shl',
  rotr: 'rotl',
  eq: 'ne',
  ne: 'eq',
  lt_s: 'le_s',
  le_s: 'lt_s',
  gt_s: 'ge_s',
  ge_s: 'gt_s',
  lt_u: 'le_u',
  le_u: 'lt_u',
  gt_u: 'ge_u',
  ge_u: 'gt_u',
};

/** Every place in the text of a module where something can be changed, and by what. */
function sites(text) {
  const found = [];
  const body = text.indexOf('(func $0');
  for (const match of text.matchAll(/\((i32|i64|i8x16|i16x8|v128)\.(\w+)/g)) {
    const swap = match[1] === 'i8x16' && match[2] === 'add' ? 'sub' : SWAPS[match[2]];
    const isVector = match[1].includes('x') || match[1] === 'v128';
    if (match.index > body && swap !== undefined && !(isVector && /rotr|_s$/.test(match[2]))) {
      found.push({
        at: match.index,
        length: match[0].length,
        by: `(${match[1]}.${swap}`,
        what: `${match[0]} -> ${swap}`,
      });
    }
  }
  for (const match of text.matchAll(/\((i32|i64)\.const (-?\d+)\)/g)) {
    if (match.index < body) continue;
    for (const step of [1, -1]) {
      const by = `(${match[1]}.const ${BigInt(match[2]) + BigInt(step)})`;
      found.push({ at: match.index, length: match[0].length, by, what: `${match[0]} -> ${by}` });
    }
  }
  for (const match of text.matchAll(/\((i32|i64|f64|v128)\.store(8|16|32)?( offset=\d+)?( align=\d+)?/g)) {
    found.push({
      at: match.index,
      length: match[0].length,
      by: `(call $drop_${match[1]}`,
      what: `without ${match[0]})`,
    });
  }
  return found;
}

/** The expression that ends around a place, as many levels up, on one line and at most so long. */
function around(text, at, levels = 2, longest = 140) {
  let start = at;
  for (let up = 0; up < levels; up++) {
    let depth = 1;
    while (depth > 0) {
      start--;
      if (text[start] === ')') depth++;
      if (text[start] === '(') depth--;
    }
  }
  let end = start;
  let depth = 0;
  do {
    if (text[end] === '(') depth++;
    if (text[end] === ')') depth--;
    end++;
  } while (depth > 0 && end - at < 10 * longest);
  const line = text
    .slice(start, end)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ (?=\))/g, '');
  return line.length > longest ? `${line.slice(0, longest)}...` : line;
}

const DROPS = ['i32', 'i64', 'f64', 'v128']
  .map((type) => `(func $drop_${type} (param i32) (param ${type}))`)
  .join('\n');

function compile(text) {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  try {
    return module.validate() ? Buffer.from(module.emitBinary()) : undefined;
  } finally {
    module.dispose();
  }
}

let worker;
/** @returns {Promise<string>} how the mutant was found; '' when it was not */
function judge(binary) {
  worker ??= new Worker(new URL('wasm-worker.mjs', import.meta.url));
  const asked = worker;
  return new Promise((resolve) => {
    const giveUp = (why) => {
      clearTimeout(timer);
      worker = undefined;
      void asked.terminate();
      resolve(why);
    };
    const timer = setTimeout(() => giveUp('never ends'), ENDLESS_AFTER);
    asked.once('error', (error) => giveUp(`${error}`));
    asked.once('message', (found) => {
      clearTimeout(timer);
      asked.removeAllListeners('error');
      resolve(found);
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    asked.postMessage({ binary, seed: SEED, rounds: ROUNDS });
  });
}

const original = binaryen.readBinary(readFileSync(new URL('../../dist/codec.wasm', import.meta.url)));
original.setFeatures(binaryen.Features.All);
const text = original.emitText().replace(/\)\s*$/, `${DROPS}\n)`);
if ((await judge(compile(text))) !== '') throw new Error('the module as it is differs from the JavaScript kernels');

const all = sites(text);
const functionOf = (at) => /.*\(func (\$\d+)/s.exec(text.slice(0, at))?.[1];
const names = new Map([...text.matchAll(/\(export "(\w+)" \(func (\$\d+)\)/g)].map(([, name, id]) => [id, name]));
const survivors = [];
let made = 0;
let killed = 0;
let equivalent = 0;
while (made < Number(values.mutants) && all.length > 0) {
  const [site] = all.splice(below(all.length), 1);
  const binary = compile(text.slice(0, site.at) + site.by + text.slice(site.at + site.length));
  if (binary === undefined) continue;
  made++;
  const id = functionOf(site.at);
  const found = await judge(binary);
  const name = `${names.get(id) ?? id}: ${site.what} in ${around(text, site.at)}`;
  if (found !== '') killed++;
  else if (EQUIVALENT.has(name)) equivalent++;
  else survivors.push(`${name}, line ${text.slice(0, site.at).split('\n').length}`);
  if (process.stdout.isTTY) process.stdout.write(`\r${made} mutants, ${killed} found`);
  else if (made % 20 === 0) console.log(`${made} mutants, ${killed} found`);
}
const percentOf = (all) => `${((100 * killed) / all).toFixed(1)} %`;
console.log(`\n${made} mutants of seed ${values.seed}: ${killed} found, ${percentOf(made)}`);
console.log(`${equivalent} are listed as doing the same; of the others ${percentOf(made - equivalent)} are found`);
for (const survivor of survivors) console.log(`survives: ${survivor}`);
await worker?.terminate();
process.exit(killed / (made - equivalent) >= AT_LEAST ? 0 : 1);
