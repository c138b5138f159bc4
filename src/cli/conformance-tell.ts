// `tell` answers `--list`, `--explain` and `--script` of `wsimd conformance` without running a case.

import { selectCases } from '../conformance/index.js';
import { explain } from '../conformance/explain.js';
import { reproduce } from '../conformance/reproduce.js';
import { readOptions, withAuthorization } from './arguments.js';
import { CommandError } from './command-error.js';
import { writeFile } from './files.js';
import { targetOf } from './target.js';
import { print, type Terminal } from './terminal.js';

const OPTIONS = {
  list: { type: 'boolean' },
  explain: { type: 'boolean' },
  script: { type: 'string' },
  case: { type: 'string' },
  cases: { type: 'string', multiple: true },
  exclude: { type: 'string', multiple: true },
  http2: { type: 'boolean', default: false },
} as const;

const WORDS: readonly string[] = ['--list', '--explain', '--script', '--case'];

/**
 * Answers a question about cases.
 * @returns false when the arguments ask for none
 * @throws CommandError when an argument is wrong
 */
export function tell(testee: 'server' | 'client', args: string[], terminal: Terminal): boolean {
  const own = args.slice(0, args.includes('--') ? args.indexOf('--') : args.length);
  if (!own.some((word) => WORDS.includes(word.split('=')[0]))) return false;
  const { values, positionals } = readOptions(`conformance ${testee}`, {
    args: own,
    options: OPTIONS,
    allowPositionals: true,
  });
  const list = (texts: string[] | undefined): string[] | undefined => texts?.flatMap((text) => text.split(','));
  if (values.list) {
    const cases = list(values.cases);
    const { http2 } = values;
    const selected = selectCases({ ...(cases && { cases }), exclude: list(values.exclude) ?? [], http2 }, testee);
    const lines = selected.map(({ id, description }) => `${id.padEnd(8)} ${description}\n`);
    print(lines.join(''), terminal);
    return true;
  }
  if (values.case === undefined) throw new CommandError('Say which case: --case ID.');
  if (values.explain !== true && values.script === undefined)
    throw new CommandError('--case goes with --explain or --script; to run it, use --cases.');
  const [one] = selectCases({ cases: [values.case] }, testee);
  if (values.explain) print(explain(one), terminal);
  if (values.script === undefined) return true;
  const { path, authority, authorization } = targetOf('URL', positionals[0] ?? '9001');
  const target = { path, host: authority, protocols: [], lines: withAuthorization([], authorization) };
  writeFile(values.script, reproduce(one, testee, target));
  return true;
}
