// `table` runs `wsimd conformance table LIST`: it examines the testees of a list, and writes the table.

import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CASE_PAGE_STYLE, casePage, type Link } from '../conformance/report/case-page.js';
import { fileNames } from '../conformance/report/file-names.js';
import { type AgentReport, byGroup, standingOf, tally } from '../conformance/report/report.js';
import { type TableRow, tablePage } from '../conformance/report/table-page.js';
import { writeWhole } from '../conformance/report/write.js';
import { readOptions } from './arguments.js';
import { CommandError, wordsOf } from './command-error.js';
import { examineListed, type Run, type Runner } from './listed-run.js';
import { readTesteeList, type ListedTestee, type TesteeList } from './testee-list.js';
import { print, type Terminal } from './terminal.js';

/** The length above which the page of a case is not kept: its wire log has thousands of rows. */
const MAX_PAGE = 128 * 1024;

/** The most pages that are kept of one testee. */
const MAX_PAGES = 24;

/** The style sheet that all pages of cases share, beside the table. */
const SHEET = 'case.css';
const SHARED = { href: `../${SHEET}` };
/** The link from a case's page to the table. */
const TABLE: Link = { text: 'The table', href: '../table.html' };

export const TABLE_USAGE: string = `Examines every testee of a list, and writes table.html and table.json with the reports of what did not pass.

  wsimd conformance table LIST --out DIR

  --only LIST           names of testees, separated by commas. Rows in DIR stay until their testee is examined
  --cases LIST          ids and patterns of cases, in place of those of LIST; so with --exclude LIST
  --out DIR             where the table goes (default: reports/table)

LIST is JSON: {"about", "cases", "exclude", "testees": [{"name", "role", "command", "version", "path"}]}. {port} in a
server's command is the port it is to listen on; a client finds the address in WSIMD_URL and its name in WSIMD_AGENT.
`;

const OPTIONS = {
  only: { type: 'string' },
  cases: { type: 'string' },
  exclude: { type: 'string' },
  out: { type: 'string', default: 'reports/table' },
} as const;

/**
 * Examines the testees of a list, and writes the table.
 * @returns the exit status: 0 if every testee was examined, else 1
 * @throws CommandError if an argument or the list is invalid
 */
export async function table(args: string[], terminal: Terminal, signal: AbortSignal, run: Run): Promise<number> {
  if (args.includes('--help')) {
    print(TABLE_USAGE, terminal);
    return 0;
  }
  const { values, positionals } = readOptions('conformance table', { args, allowPositionals: true, options: OPTIONS });
  if (positionals.length !== 1) throw new CommandError('Give one list of testees.');
  const named = readTesteeList(positionals[0]);
  const words = (text: string | undefined): string[] | undefined => text?.split(',').map((word) => word.trim());
  const list = {
    ...named,
    cases: words(values.cases) ?? named.cases,
    exclude: words(values.exclude) ?? (values.cases === undefined ? named.exclude : []),
  };
  const only = words(values.only);
  const wanted = list.testees.filter(({ name }) => only === undefined || only.includes(name));
  if (wanted.length === 0) throw new CommandError('No testee of the list has one of these names.');
  const isListed = (row: TableRow): boolean => named.testees.some((testee) => keyOf(testee) === keyOf(row));
  const earlier = earlierRows(values.out).filter((row) => only !== undefined || isListed(row));
  const rows = new Map(earlier.map((row) => [keyOf(row), row]));
  let isWritten = false;
  for (const testee of wanted) {
    if (signal.aborted) break;
    terminal.err(`${testee.name} (${testee.role})\n`);
    const row = await examine(testee, list, values.out, { terminal, signal, run });
    // An interrupted run leaves the earlier row and its pages as they are.
    if (row === null) break;
    rows.set(keyOf(testee), row);
    await write(list, [...rows.values()], values.out);
    isWritten = true;
  }
  if (isWritten) print(`Table: ${join(values.out, 'table.html')}\n`, terminal);
  return signal.aborted || [...rows.values()].some(({ trouble }) => trouble !== undefined) ? 1 : 0;
}

function keyOf({ name, role }: { name: string; role: string }): string {
  return `${role} ${name}`;
}

function slugOf({ name, role }: { name: string; role: string }): string {
  return `${role}-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
}

/** Returns the row of a testee, or null where the run was interrupted. */
async function examine(testee: ListedTestee, list: TesteeList, out: string, runner: Runner): Promise<TableRow | null> {
  const { name, role, command } = testee;
  const row: TableRow = {
    name,
    role,
    version: await versionOf(testee, runner.signal),
    command: command.join(' '),
    report: slugOf(testee),
    date: today(),
    groups: {},
    failures: [],
  };
  try {
    const examined = examineListed(testee, list, runner);
    await examined.catch(() => undefined);
    if (runner.signal.aborted) return null;
    rmSync(join(out, row.report), { recursive: true, force: true });
    const agent = await examined;
    await count(row, agent, out);
    if (agent.results.size === 0)
      row.trouble = agent.ended ?? (role === 'client' ? 'The client ran no case.' : 'No case has a result.');
  } catch (error) {
    row.trouble = wordsOf(error);
  }
  return row;
}

/** Counts the results, and writes the pages of the cases that did not pass, with their bytes. */
async function count(row: TableRow, agent: AgentReport, out: string): Promise<void> {
  for (const [group, members] of byGroup(agent.selected)) {
    row.groups[group] = Object.fromEntries(Object.entries(tally(agent, members)).filter(([, some]) => some > 0));
  }
  const failed = agent.selected.filter((id) => ['failed', 'closeFault'].includes(standingOf(agent.results.get(id))));
  const files = fileNames([row.name]);
  const fileOf = (id: string): string => files.case(row.name, id, 'html');
  const pageOf = (id: string, previous?: string, next?: string): string =>
    casePage(
      agent.results.get(id)!,
      { all: TABLE, previous: linkTo(previous), next: linkTo(next), others: [] },
      SHARED,
    );
  const linkTo = (id: string | undefined): Link | undefined => (id === undefined ? id : { text: id, href: fileOf(id) });
  const kept = failed.filter((id) => pageOf(id).length <= MAX_PAGE).slice(0, MAX_PAGES);
  for (const [at, id] of kept.entries()) {
    await writeWhole(join(out, row.report, fileOf(id)), pageOf(id, kept[at - 1], kept[at + 1]));
  }
  row.failures = failed.map((id) => ({ id, page: kept.includes(id) ? `${row.report}/${fileOf(id)}` : null }));
}

async function write(list: TesteeList, rows: TableRow[], out: string): Promise<void> {
  const order = (row: TableRow): number => list.testees.findIndex((testee) => keyOf(testee) === keyOf(row));
  const sorted = rows.sort((one, other) => order(one) - order(other));
  await writeWhole(join(out, 'table.json'), `${JSON.stringify({ about: list.about, rows: sorted }, null, 2)}\n`);
  await writeWhole(join(out, SHEET), CASE_PAGE_STYLE);
  await writeWhole(join(out, 'table.html'), tablePage(list.about, sorted));
}

function earlierRows(out: string): TableRow[] {
  try {
    return [...(JSON.parse(readFileSync(join(out, 'table.json'), 'utf8')) as { rows: TableRow[] }).rows];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CommandError(`The earlier table cannot be read: ${wordsOf(error)}.`);
  }
}

async function versionOf({ version: [program, ...args] }: ListedTestee, signal: AbortSignal): Promise<string> {
  if (program === undefined) return '';
  try {
    const { stdout } = await promisify(execFile)(program, args, { signal });
    return stdout.trim().split('\n')[0].slice(0, 60);
  } catch {
    return 'unknown';
  }
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
