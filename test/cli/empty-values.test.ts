// Each option that takes a value refuses an empty one with its name, in every command.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { conformance } from '../../src/cli/conformance.js';
import { bench } from '../../src/cli/load/bench.js';
import { proxy } from '../../src/cli/proxy/proxy.js';
import { replay } from '../../src/cli/replay/replay.js';
import { serve } from '../../src/cli/serve.js';
import { connect } from '../../src/cli/tool/connect.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { sayingTerminal } from '../support/terminal.js';

type Command = (args: string[], terminal: Terminal, signal: AbortSignal) => Promise<number>;

const directory = mkdtempSync(join(tmpdir(), 'wsimd-empty-'));
afterAll(() => rmSync(directory, { recursive: true }));
const RECORDING = join(directory, 'a.jsonl');
const LIST = join(directory, 'list.json');
const testee = { name: 'a', role: 'server', command: ['x'], version: [], path: '/' };
writeFileSync(LIST, JSON.stringify({ about: '', cases: ['*'], exclude: [], testees: [testee] }));
writeFileSync(RECORDING, '{"recording":1,"started":"","url":"ws://a"}\n');
const HERE = 'ws://127.0.0.1:1';

const COMMANDS: readonly [file: string, command: Command, words: readonly string[]][] = [
  ['tool/connect', (args, terminal, signal) => connect(args, terminal, signal), [HERE]],
  ['load/settings', (args, terminal, signal) => bench(args, terminal, signal), [HERE]],
  ['proxy/settings', (args, terminal, signal) => proxy(args, terminal, signal), ['0', HERE]],
  ['replay/replay', replay, [RECORDING, HERE]],
  ['serve', serve, []],
  ['conformance-settings', conformance, ['server', HERE]],
  ['conformance-table', conformance, ['table', LIST]],
];

const OPTIONS = COMMANDS.flatMap(([file, command, words]) => {
  const source = readFileSync(new URL(`../../src/cli/${file}.ts`, import.meta.url), 'utf8');
  const names = [...source.matchAll(/^ +'?([\w.-]+)'?: \{ type: 'string'/gm)].map(([, name]) => name);
  return [...new Set(names)].map((name) => ({ file, name, command, words }));
});

test.each(OPTIONS)('$file: --$name', async ({ file, name, command, words }) => {
  const isClient = file === 'conformance-settings' && ['port', 'host', 'cert', 'key', 'allow-origin'].includes(name);
  const run = command(
    [...(isClient ? ['client'] : words), `--${name}=`],
    sayingTerminal().terminal,
    AbortSignal.abort(),
  );
  await expect(run).rejects.toThrow(
    expect.objectContaining({ name: 'CommandError', message: expect.stringContaining(`--${name} `) as string }),
  );
});
