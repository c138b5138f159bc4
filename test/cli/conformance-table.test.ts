// The table: testees of a list are started, examined and counted, and the pages of what did not pass are kept.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { conformance } from '../../src/cli/conformance.js';
import { readTesteeList } from '../../src/cli/testee-list.js';

const directory = mkdtempSync(join(tmpdir(), 'wsimd-table-'));

afterAll(() => rmSync(directory, { recursive: true }));

/** Echoes text only. */
const SERVER = `
  const { WebSocketServer } = require(${JSON.stringify(createRequire(import.meta.url).resolve('ws'))});
  new WebSocketServer({ port: Number(process.argv[1]), host: '127.0.0.1' }).on('connection', (socket) =>
    socket.on('message', (data, binary) => binary || socket.send(data, { binary })));
`;

/** Asks for the number of cases, and fails before the first. */
const EARLY_CLIENT = `
  console.error('It asks too much.');
  const { WebSocket } = require(${JSON.stringify(createRequire(import.meta.url).resolve('ws'))});
  new WebSocket(process.env.WSIMD_URL + '/getCaseCount').on('close', () => process.exit(3));
`;

function listFile(name: string, list: unknown): string {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify(list));
  return path;
}

test(
  'a testee is started, examined and counted; what did not pass is linked with its bytes',
  { timeout: 60_000 },
  async () => {
    const list = listFile('list.json', {
      about: 'Two <servers>.',
      cases: ['1.1.1', '1.2.2'],
      testees: [
        {
          name: 'text only',
          role: 'server',
          command: [process.execPath, '-e', SERVER, '{port}'],
          version: [process.execPath, '--version'],
        },
        { name: 'none', role: 'server', command: [process.execPath, '-e', 'process.exit(3)'] },
        { name: 'idle', role: 'client', command: [process.execPath, '-e', ''] },
        { name: 'early', role: 'client', command: [process.execPath, '-e', EARLY_CLIENT] },
      ],
    });
    const out = join(directory, 'out');
    const terminal = { out: () => undefined, err: () => undefined, columns: undefined };
    const status = await conformance(['table', list, '--out', out], terminal, new AbortController().signal);
    expect(status).toBe(1);
    const { rows } = JSON.parse(readFileSync(join(out, 'table.json'), 'utf8')) as { rows: Record<string, unknown>[] };
    expect(rows[0]).toMatchObject({
      name: 'text only',
      version: process.version,
      groups: { 1: { ok: 1, failed: 1 } },
      failures: [{ id: '1.2.2', page: 'server-text-only/text_only_case_1_2_2.html' }],
    });
    expect(rows[2].trouble).toBe('The client ran no case.');
    expect(rows[3].trouble).toBe('The client ended (status 3). It said: It asks too much.');
    expect(rows[1].trouble).toMatch(/^The testee ended \(status 3\) before it listened/);
    expect(readdirSync(join(out, 'server-text-only'))).toEqual(['text_only_case_1_2_2.html']);
    const page = readFileSync(join(out, 'table.html'), 'utf8');
    expect(page).toContain('Two &lt;servers&gt;.');
    expect(page).toContain('<a href="server-text-only/text_only_case_1_2_2.html">1.2.2</a>');
    // The pages of cases share a style sheet, and lead to nothing that is not there.
    const kept = readFileSync(join(out, 'server-text-only', 'text_only_case_1_2_2.html'), 'utf8');
    expect(kept).not.toContain('<style>');
    const targets = [...kept.matchAll(/href="([^"]+)"/g)].map(([, target]) => target);
    expect(targets.sort()).toEqual(['../case.css', '../table.html']);
    for (const target of targets) expect(existsSync(join(out, 'server-text-only', target)), target).toBe(true);
  },
);

test('an interrupted run leaves the earlier row and its pages', { timeout: 60_000 }, async () => {
  const out = join(directory, 'interrupted');
  const command = [process.execPath, '-e', SERVER, '{port}'];
  const list = listFile('one.json', { cases: ['1.2.2'], testees: [{ name: 'text only', role: 'server', command }] });
  const controller = new AbortController();
  const args = ['table', list, '--out', out, '--only', 'text only'];
  const terminal = { out: () => undefined, err: () => undefined, columns: undefined };
  await conformance(args, terminal, controller.signal);
  const before = [readFileSync(join(out, 'table.json'), 'utf8'), readdirSync(join(out, 'server-text-only'))];
  const status = await conformance(args, { ...terminal, err: () => controller.abort() }, controller.signal);
  expect(status).toBe(1);
  expect([readFileSync(join(out, 'table.json'), 'utf8'), readdirSync(join(out, 'server-text-only'))]).toEqual(before);
  expect(before[1]).toHaveLength(1);
});

test(
  'a run of the whole list that is interrupted keeps the earlier rows of the testees of the list',
  { timeout: 60_000 },
  async () => {
    const out = join(directory, 'whole');
    const command = [process.execPath, '-e', SERVER, '{port}'];
    const testees = ['one', 'two'].map((name) => ({ name, role: 'server', command }));
    const list = listFile('whole.json', { cases: ['1.1.1'], testees });
    const file = join(out, 'table.json');
    const EARLIER = '2001-02-03';
    /** Interrupts a run in a testee, and returns the dates of the rows by their names, and what it printed. */
    const interruptedIn = async (testee: string): Promise<[Record<string, string>, string]> => {
      const controller = new AbortController();
      let printed = '';
      const terminal = {
        out: (text: string) => void (printed += text),
        err: (text: string) => text.startsWith(testee) && controller.abort(),
        columns: undefined,
      };
      expect(await conformance(['table', list, '--out', out], terminal, controller.signal)).toBe(1);
      const { rows } = JSON.parse(readFileSync(file, 'utf8')) as { rows: { name: string; date: string }[] };
      return [Object.fromEntries(rows.map(({ name, date }) => [name, date])), printed];
    };
    const rest = { role: 'server', version: '', command: '', date: EARLIER, groups: {}, failures: [] };
    const rows = ['two', 'gone', 'one'].map((name) => ({ name, ...rest }));
    mkdirSync(out);
    writeFileSync(file, JSON.stringify({ about: '', rows }));
    // Nothing is written before the first row.
    expect(await interruptedIn('one')).toEqual([{ two: EARLIER, gone: EARLIER, one: EARLIER }, '']);
    expect(await interruptedIn('two')).toEqual([
      { one: expect.not.stringMatching(EARLIER), two: EARLIER },
      `Table: ${join(out, 'table.html')}\n`,
    ]);
  },
);

test('the list of the repository has at least 14 servers and 6 clients, whose programs are there', () => {
  const root = new URL('../../conformance/', import.meta.url);
  const { testees } = readTesteeList(new URL('testees.json', root).pathname);
  const names = (role: string): string[] => testees.filter((one) => one.role === role).map(({ name }) => name);
  expect(new Set(names('server')).size).toBeGreaterThanOrEqual(14);
  expect(new Set(names('client')).size).toBeGreaterThanOrEqual(6);
  for (const { name, command } of testees) {
    const program = command.find((word) => word.startsWith('testees/'))!;
    // What is compiled has its source beside the list.
    const source = program.replace('testees/build/', 'testees/');
    const found = [source, `${source}.go`, `${source}.cpp`].some((path) => existsSync(new URL(path, root)));
    expect(found, name).toBe(true);
  }
});

test('an earlier table without rows is not overwritten', async () => {
  const out = join(directory, 'other');
  mkdirSync(out);
  writeFileSync(join(out, 'table.json'), '{}');
  const list = listFile('some.json', { testees: [{ name: 'none', role: 'server', command: [process.execPath] }] });
  const terminal = { columns: undefined, out: () => undefined, err: () => undefined };
  const made = conformance(['table', list, '--out', out], terminal, new AbortController().signal);
  await expect(made).rejects.toThrow(/^The earlier table cannot be read: /);
});

test('an empty directory for the table is refused', async () => {
  const list = listFile('none.json', { testees: [] });
  const terminal = { columns: undefined, out: () => undefined, err: () => undefined };
  const made = conformance(['table', list, '--out', ''], terminal, new AbortController().signal);
  await expect(made).rejects.toThrow('--out takes a directory, not "".');
});

test.each([
  [{}, 'testees is not a list'],
  [{ testees: [{ name: 'a', role: 'proxy', command: [] }] }, 'the role of a is neither server nor client'],
  [{ testees: [{ name: 'a', role: 'server', command: 'a' }] }, 'the command of a is not a list'],
])('a list such as %j is refused in one sentence', (list, sentence) => {
  expect(() => readTesteeList(listFile('bad.json', list))).toThrow(`The list of testees is not right: ${sentence}.`);
});
