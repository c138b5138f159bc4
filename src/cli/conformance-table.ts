// `wsimd conformance table LIST`: examines every testee of a list and writes one page and one JSON file: testees by groups of cases.

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { selectCases } from '../conformance/index.js';
import { readBaseline, type Verdicts } from '../conformance/report/judgement.js';
import { byGroup, standingOf } from '../conformance/report/report.js';
import { type TableRow, tablePage } from '../conformance/report/table-page.js';
import { writeWhole } from '../conformance/report/write.js';
import { explained } from './arguments.js';
import { CommandError, wordsOf } from './command-error.js';
import { readTesteeList, type ListedTestee, type TesteeList } from './testee-list.js';
import type { Terminal } from './terminal.js';

/** Bytes above which the page of a case is not kept: its wire log has thousands of rows. */
const MAX_PAGE = 128 * 1024;

/** Pages that are kept of one testee. */
const MAX_PAGES = 24;

const USAGE = `Examines every testee of a list, and writes table.html and table.json with the reports of what did not pass.

  wsimd conformance table LIST --out DIR

  --only LIST           names of testees, separated by commas; the rows of the others stay as they are in DIR
  --out DIR             where the table goes (default: reports/table)

LIST is JSON: {"about", "cases", "exclude", "testees": [{"name", "role", "command", "version", "path"}]}. {port} in a
server's command is the port it is to listen on; a client finds the address in WSIMD_URL and its name in WSIMD_AGENT.
`;

/** Runs `wsimd conformance` with these words. */
type Run = (args: string[], terminal: Terminal, signal: AbortSignal) => Promise<number>;

/**
 * Makes the table.
 * @returns the exit status: 0 when every testee was examined, 1 when one was not
 * @throws CommandError when the list is not right
 */
export async function table(args: string[], terminal: Terminal, signal: AbortSignal, run: Run): Promise<number> {
  if (args.includes('--help')) {
    terminal.out(USAGE);
    return 0;
  }
  const { values, positionals } = explained('conformance table', () =>
    parseArgs({
      args,
      allowPositionals: true,
      options: { only: { type: 'string' }, out: { type: 'string', default: 'reports/table' } },
    }),
  );
  if (positionals.length !== 1) throw new CommandError('Give one list of testees.');
  const list = readTesteeList(positionals[0]);
  const only = values.only?.split(',').map((name) => name.trim());
  const wanted = list.testees.filter(({ name }) => only === undefined || only.includes(name));
  if (wanted.length === 0) throw new CommandError('No testee of the list has one of these names.');
  const rows = new Map(only === undefined ? [] : earlierRows(values.out).map((row) => [keyOf(row), row]));
  for (const testee of wanted) {
    if (signal.aborted) break;
    terminal.err(`${testee.name} (${testee.role})\n`);
    rows.set(keyOf(testee), await examine(testee, list, values.out, { terminal, signal, run }));
    await write(list, [...rows.values()], values.out);
  }
  terminal.out(`Table: ${join(values.out, 'table.html')}\n`);
  return [...rows.values()].some(({ trouble }) => trouble !== undefined) ? 1 : 0;
}

function keyOf({ name, role }: { name: string; role: string }): string {
  return `${role} ${name}`;
}

function slugOf({ name, role }: { name: string; role: string }): string {
  return `${role}-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
}

async function examine(
  testee: ListedTestee,
  list: TesteeList,
  out: string,
  { terminal, signal, run }: { terminal: Terminal; signal: AbortSignal; run: Run },
): Promise<TableRow> {
  const { name, role, command, path } = testee;
  const slug = slugOf(testee);
  const directory = join(out, slug);
  rmSync(directory, { recursive: true, force: true });
  const port = String(await freePort());
  const words = command.map((word) => word.replaceAll('{port}', port));
  const selection = [
    '--cases',
    list.cases.join(','),
    ...(list.exclude.length > 0 ? ['--exclude', list.exclude.join(',')] : []),
  ];
  const target = role === 'server' ? [`ws://127.0.0.1:${port}${path}`, '--agent', name] : ['--port', port];
  const row: TableRow = {
    name,
    role,
    version: await versionOf(testee),
    command: command.join(' '),
    report: slug,
    date: today(),
    groups: {},
    failures: [],
  };
  const agent = process.env.WSIMD_AGENT;
  process.env.WSIMD_AGENT = name;
  try {
    const quiet = { ...terminal, out: () => undefined };
    await run([role, ...target, ...selection, '--out', directory, '--', ...words], quiet, signal);
    count(row, list, directory);
  } catch (error) {
    row.trouble = wordsOf(error);
  } finally {
    if (agent === undefined) delete process.env.WSIMD_AGENT;
    else process.env.WSIMD_AGENT = agent;
  }
  return row;
}

/** Reads the results, and keeps the pages of the cases that did not pass, with their bytes. */
function count(row: TableRow, list: TesteeList, directory: string): void {
  const index = readBaseline(readFileSync(join(directory, 'index.json'), 'utf8'));
  const verdicts: ReadonlyMap<string, Verdicts> =
    index.get(row.name) ?? [...index.values()][0] ?? new Map<string, Verdicts>();
  const ids = selectCases({ cases: list.cases, exclude: list.exclude }, row.role).map(({ id }) => id);
  for (const [group, members] of byGroup(ids)) {
    const standings = members.map((id) => standingOf(verdicts.get(id)));
    row.groups[group] = Object.fromEntries(
      [...new Set(standings)].map((one) => [one, standings.filter((other) => other === one).length]),
    );
  }
  const kept = new Set<string>();
  for (const id of ids) {
    const standing = standingOf(verdicts.get(id));
    if (standing !== 'failed' && standing !== 'closeFault') continue;
    const file = readdirSync(directory).find((name) =>
      name.toLowerCase().endsWith(`_case_${id.toLowerCase().replaceAll('.', '_')}.html`),
    );
    const page =
      file === undefined || kept.size >= MAX_PAGES || statSync(join(directory, file)).size > MAX_PAGE ? null : file;
    if (page !== null) kept.add(page);
    row.failures.push({ id, page: page === null ? null : `${row.report}/${page}` });
  }
  for (const file of readdirSync(directory)) if (!kept.has(file)) rmSync(join(directory, file), { recursive: true });
}

async function write(list: TesteeList, rows: TableRow[], out: string): Promise<void> {
  const order = (row: TableRow): number => list.testees.findIndex((testee) => keyOf(testee) === keyOf(row));
  const sorted = rows.sort((one, other) => order(one) - order(other));
  await writeWhole(join(out, 'table.json'), `${JSON.stringify({ about: list.about, rows: sorted }, null, 2)}\n`);
  await writeWhole(join(out, 'table.html'), tablePage(list.about, sorted));
}

function earlierRows(out: string): TableRow[] {
  try {
    return (JSON.parse(readFileSync(join(out, 'table.json'), 'utf8')) as { rows: TableRow[] }).rows;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CommandError(`The earlier table cannot be read: ${wordsOf(error)}.`);
  }
}

async function versionOf({ version: [program, ...args] }: ListedTestee): Promise<string> {
  if (program === undefined) return '';
  try {
    const { stdout } = await promisify(execFile)(program, args);
    return stdout.trim().split('\n')[0].slice(0, 60);
  } catch {
    return 'unknown';
  }
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
