// `tell` answers `--list`, `--explain` and `--script` of `wsimd conformance` without running a case.

import { selectCases } from '../conformance/index.js';
import { explain } from '../conformance/explain.js';
import { reproduce } from '../conformance/reproduce.js';
import { serverOf } from '../conformance/server-plan.js';
import { headerOf, protocolsOf, readOptions, withAuthorization } from './arguments.js';
import { CommandError } from './command-error.js';
import { RUN_OPTIONS } from './conformance-settings.js';
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
  protocol: { type: 'string', multiple: true },
  origin: { type: 'string' },
  header: { type: 'string', multiple: true },
} as const;

const WORDS: readonly string[] = ['list', 'explain', 'script', 'case'];

/** The options that go with each of these. */
const WITH = {
  list: ['list', 'cases', 'exclude', 'http2'],
  explain: ['explain', 'case'],
  script: ['script', 'explain', 'case', 'protocol', 'origin', 'header'],
};

/**
 * Answers a question about cases.
 * @returns false when the arguments ask for none
 * @throws CommandError when an argument is wrong
 */
export function tell(testee: 'server' | 'client', args: string[], terminal: Terminal): boolean {
  const own = args.slice(0, args.includes('--') ? args.indexOf('--') : args.length);
  const names = own.flatMap((word) => /^--([^=]+)/.exec(word)?.[1] ?? []);
  const asked = WORDS.find((word) => names.includes(word));
  if (asked === undefined) return false;
  if (asked === 'case') throw new CommandError('--case goes with --explain or --script; to run it, use --cases.');
  const question = asked === 'explain' && names.includes('script') ? 'script' : (asked as keyof typeof WITH);
  const idle = names.find((name) => [...WORDS, ...RUN_OPTIONS].includes(name) && !WITH[question].includes(name));
  if (idle !== undefined) throw new CommandError(`--${idle} does not go with --${question}.`);
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
  const [one] = selectCases({ cases: [values.case] }, testee);
  if (values.explain) print(explain(one), terminal);
  if (values.script === undefined) return true;
  const { given: url, authorization } = targetOf('URL', positionals[0] ?? '9001');
  const headers = withAuthorization((values.header ?? []).map(headerOf), authorization);
  const target = serverOf({ url, protocols: protocolsOf(values.protocol ?? []), headers, origin: values.origin });
  writeFile(values.script, reproduce(one, testee, target));
  return true;
}
