// npm run mutants: changes one instruction of the release .wasm at a time and counts how many of these mutants `compareKernels`
// finds. Ends with 1 where one survives that wasm-equivalents.json does not list. --mutants N, --seed S
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { compile, mutantsOf, readModule } from './mutants.mjs';

/** As in the test. */
const SEED = 1;
const ROUNDS = 1500;
/** A mutant is endless after this many ms, or this many times as long as the module as it is takes. */
const ENDLESS_AFTER = 20_000;
const ENDLESS_TIMES = 10;
const ENDLESS = 'never ends';
/** Mutants that do the same by another way, each read and listed with its reason. */
const EQUIVALENT = new Set(
  JSON.parse(readFileSync(new URL('wasm-equivalents.json', import.meta.url), 'utf8')).flatMap(({ mutants }) => mutants),
);

const { values } = parseArgs({
  options: { mutants: { type: 'string', default: '200' }, seed: { type: 'string', default: '6455' } },
});

let worker;
let patience = 10 * ENDLESS_AFTER;
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
    const timer = setTimeout(() => giveUp(ENDLESS), patience);
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

const module = await readModule();
const begun = performance.now();
if ((await judge(compile(module.text))) !== '') {
  throw new Error('the module as it is differs from the JavaScript kernels');
}
patience = Math.max(ENDLESS_AFTER, ENDLESS_TIMES * (performance.now() - begun));

/** Drawn by their names, so that a change of one line draws anew only the mutants of that line. */
const draw = ({ name }) => createHash('sha1').update(`${values.seed} ${name}`).digest('hex');
const all = mutantsOf(module);
const drawn = all.map((mutant) => ({ ...mutant, place: draw(mutant) }));
drawn.sort((a, b) => (a.place < b.place ? -1 : 1));

const wanted = Number(values.mutants);
const faults = [];
let made = 0;
let killed = 0;
let equivalent = 0;
for (const { name, line, binary } of drawn) {
  if (made >= wanted) break;
  const mutant = binary();
  if (mutant === undefined) continue;
  made++;
  const found = await judge(mutant);
  const isListed = EQUIVALENT.has(name);
  // One that is listed and runs out of time has met a busy machine.
  if (isListed && (found === '' || found === ENDLESS)) equivalent++;
  else if (found !== '') {
    killed++;
    if (isListed) faults.push(`is listed as doing the same, but found (${found}): ${name}`);
  } else faults.push(`survives: ${name}, line ${line}`);
  if (process.stdout.isTTY) process.stdout.write(`\r${made} mutants, ${killed} found`);
  else if (made % 20 === 0) console.log(`${made} mutants, ${killed} found`);
}
const names = new Set(all.map(({ name }) => name));
for (const name of EQUIVALENT) if (!names.has(name)) faults.push(`is listed, but no mutant: ${name}`);

const percentOf = (whole) => `${((100 * killed) / whole).toFixed(1)} %`;
console.log(`\n${made} of ${all.length} mutants, seed ${values.seed}: ${killed} found, ${percentOf(made)}`);
console.log(`${equivalent} are listed as doing the same; of the others ${percentOf(made - equivalent)} are found`);
for (const fault of faults) console.log(fault);
await worker?.terminate();
process.exit(faults.length > 0 ? 1 : 0);
