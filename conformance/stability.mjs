// `npm run conformance:stability` -> results/stability.json: examines each testee of a list N times (default 5), a server once
// more with `--jobs 1`, and prints each case whose verdict is not the same in all runs. A run is recorded when it has ended;
// the next command goes on where the record of a testee with the same version and cases ends. Needs a build.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const program = fileURLToPath(new URL('../dist/cli/index.js', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    role: { type: 'string' },
    cases: { type: 'string', default: '*' },
    list: { type: 'string', default: join(here, 'testees.json') },
    record: { type: 'string', default: join(here, 'results', 'stability.json') },
  },
});
const times = Number(positionals[0] ?? 5);
if (!Number.isInteger(times) || times < 1) throw new Error('The number of runs is a whole number from 1.');

const record = readRecord();
const { testees } = JSON.parse(readFileSync(values.list, 'utf8'));
const wanted = testees.filter(
  ({ name, role }) => (values.only?.split(',').includes(name) ?? true) && role === (values.role ?? role),
);
if (wanted.length === 0) throw new Error(`No testee of ${values.list} has this name and role.`);
let isSteady = true;
for (const testee of wanted) {
  try {
    if (!(await repeat(testee))) isSteady = false;
  } catch (error) {
    console.log(`${testee.name} (${testee.role}): ${error.message}`);
    isSteady = false;
  }
}
process.exitCode = isSteady ? 0 : 1;

/** Makes the runs of a testee that the record lacks. Returns whether each case had the same verdict in all of them. */
async function repeat({ name, role, command, version, path = '/' }) {
  const key = { name, role, version: versionOf(version), cases: values.cases };
  let row = record.find((other) => Object.entries(key).every(([field, value]) => other[field] === value));
  if (row === undefined) record.push((row = { ...key, runs: [] }));
  const names = Array.from({ length: times }, (_, place) => `run ${place + 1}`);
  if (role === 'server') names.push('--jobs 1');
  for (const run of names) {
    if (row.runs.some((one) => one.run === run)) continue;
    const began = Date.now();
    const verdicts = await examine({ name, role, command, path }, run === '--jobs 1' ? ['--jobs', '1'] : []);
    const seconds = Math.round((Date.now() - began) / 1000);
    row.runs.push({ run, date: new Date().toISOString().slice(0, 10), seconds, verdicts });
    writeRecord();
    console.log(`${name} (${role}), ${run}: ${Object.values(verdicts).flat().length} cases.`);
  }
  const lines = differences(row.runs);
  const sum = lines.length === 0 ? 'the same verdicts each time' : `several verdicts for ${lines.length} of the cases`;
  console.log([`${name} (${role}): ${row.runs.length} runs, ${sum}.`, ...lines].join('\n'));
  return lines.length === 0;
}

/** Runs the suite once. Returns the ids of the cases by their verdict. */
async function examine({ name, role, command, path }, words) {
  const port = await freePort();
  const out = mkdtempSync(join(tmpdir(), 'wsimd-stability-'));
  const target = role === 'server' ? [`ws://127.0.0.1:${port}${path}`, '--agent', name] : ['--port', port];
  const start = command.map((word) => word.replaceAll('{port}', port));
  const args = [
    program,
    'conformance',
    role,
    ...target,
    '--cases',
    values.cases,
    '--out',
    out,
    ...words,
    '--',
    ...start,
  ];
  try {
    const child = spawn(process.execPath, args, {
      cwd: here,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, WSIMD_AGENT: name },
    });
    const status = await new Promise((resolve) => child.once('close', resolve));
    // 1 says that a case was refused; beyond it there is no whole report.
    if (status !== 0 && status !== 1) throw new Error(`could not be examined: status ${status}.`);
    const [cases = {}] = Object.values(JSON.parse(readFileSync(join(out, 'index.json'), 'utf8')));
    const verdicts = {};
    for (const [id, { behavior, behaviorClose }] of Object.entries(cases)) {
      (verdicts[`${behavior}, ${behaviorClose}`] ??= []).push(id);
    }
    return verdicts;
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** A line for each case with several verdicts, or with none in some runs: the verdicts, and the runs that had them. */
function differences(runs) {
  const byId = new Map();
  for (const { run, verdicts } of runs) {
    for (const [verdict, ids] of Object.entries(verdicts)) {
      for (const id of ids) byId.set(id, [...(byId.get(id) ?? []), { verdict, run }]);
    }
  }
  return [...byId].flatMap(([id, seen]) => {
    const verdicts = new Set(seen.map(({ verdict }) => verdict));
    if (verdicts.size === 1 && seen.length === runs.length) return [];
    const words = [...verdicts].map((verdict) => {
      const having = seen.filter((one) => one.verdict === verdict).map(({ run }) => run);
      return `${verdict} (${having.join(', ')})`;
    });
    return [`  ${id}: ${words.join('; ')}`];
  });
}

function readRecord() {
  if (!existsSync(values.record)) return [];
  const rows = JSON.parse(readFileSync(values.record, 'utf8'));
  return rows.map(({ runs, ...key }) => ({
    ...key,
    runs: runs.map((run) => ({ verdicts: runs[0].verdicts, ...run })),
  }));
}

/** Writes the record, whole or not at all: a run is a line, without its verdicts where they are those of the first. */
function writeRecord() {
  const rows = record.map(({ runs: [first, ...others], ...key }) => {
    const known = JSON.stringify(first.verdicts);
    const kept = others.map(({ verdicts, ...run }) =>
      JSON.stringify(verdicts) === known ? run : { ...run, verdicts },
    );
    const lines = [first, ...kept].map((run) => `      ${JSON.stringify(run)}`);
    return `  ${JSON.stringify(key).slice(0, -1)},\n    "runs": [\n${lines.join(',\n')}\n    ]}`;
  });
  mkdirSync(dirname(values.record), { recursive: true });
  writeFileSync(`${values.record}.new`, `[\n${rows.join(',\n')}\n]\n`);
  renameSync(`${values.record}.new`, values.record);
}

function versionOf([command, ...args] = []) {
  if (command === undefined) return '';
  return execFileSync(command, args, { cwd: here, encoding: 'utf8' }).trim().split('\n')[0].slice(0, 60);
}

/** A port on which nothing listens now. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}
