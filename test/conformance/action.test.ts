// The GitHub Action: its one step is run here as a runner would, against the built program.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { wsServer } from './support/peers.js';

const directory = mkdtempSync(join(tmpdir(), 'wsimd-action-'));

afterAll(() => rmSync(directory, { recursive: true }));

/** The text of the step, without its indentation. */
function stepOf(action: string): string {
  const [, block] = / {6}run: \|\n((?: {8}.*\n?)+)/.exec(action)!;
  return block.replaceAll(/^ {8}/gm, '');
}

test('its step examines a server, and writes report, JUnit, summary and badge', { timeout: 60_000 }, async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const step = stepOf(readFileSync(join(root, 'action.yml'), 'utf8'));
  const summary = join(directory, 'summary.md');
  writeFileSync(summary, '');
  const server = await wsServer({});
  const run = (options: string, inputs: Record<string, string> = {}): Promise<number> =>
    new Promise((resolve) => {
      const env = {
        ...process.env,
        ROLE: 'server',
        URL: server.url,
        COMMAND: '',
        OPTIONS: options,
        DIRECTORY: join(directory, 'out'),
        PROGRAM: `${process.execPath} ${join(root, 'dist/cli/index.js')}`,
        GITHUB_STEP_SUMMARY: summary,
        ...inputs,
      };
      execFile('bash', ['-eo', 'pipefail', '-c', step], { env }, (error) =>
        resolve(error === null ? 0 : Number(error.code)),
      );
    });
  expect(await run("--cases '2.*'")).toBe(0);
  expect(readFileSync(summary, 'utf8')).toContain('Passed: 11 cases.');
  const badge: unknown = JSON.parse(readFileSync(join(directory, 'out', 'badge.json'), 'utf8'));
  expect(badge).toMatchObject({ schemaVersion: 1, message: '11 of 11', color: 'brightgreen' });
  expect(readFileSync(join(directory, 'out', 'junit.xml'), 'utf8')).toContain('tests="11"');
  expect(await run("--cases '6.4.1' --strict")).toBe(1);
  expect(await run('--jobs 0')).toBe(2);
  expect(readFileSync(summary, 'utf8')).toContain('--jobs takes a whole number');
  server.stop();
  // A command may begin with a variable or a change of directory, as other steps do.
  const client = { ROLE: 'client', COMMAND: `STATUS=3 ${process.execPath} -p 'process.exit(process.env.STATUS)'` };
  expect(await run("--cases '2.*'", client)).toBe(1);
  expect(readFileSync(summary, 'utf8')).toContain('The client ended (status 3).');
});
