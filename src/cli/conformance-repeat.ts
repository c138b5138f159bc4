// `repeat` examines each testee of a list several times, and prints the cases whose verdicts differ between runs.

import { selectCases } from '../conformance/index.js';
import type { AgentReport } from '../conformance/report/report.js';
import { wordsOf } from './command-error.js';
import { examineListed, type Runner, type Wanted } from './listed-run.js';
import { print } from './terminal.js';
import type { ListedTestee } from './testee-list.js';

/** One run: its name, and its options in addition to those of all runs. */
interface Repetition {
  name: string;
  words: string[];
}

/** Returns `times` runs with the default number of connections, and one with a single connection for a server. */
function repetitions(times: number, role: ListedTestee['role']): Repetition[] {
  const runs = Array.from({ length: times }, (_, place) => ({ name: `run ${place + 1}`, words: [] }));
  return role === 'client' ? runs : [...runs, { name: '--jobs 1', words: ['--jobs', '1'] }];
}

/**
 * Examines each testee `times` times, and prints the differences.
 * @returns the exit status: 0 if each case had the same verdict in all runs, 1 if not, or if a testee failed to run
 */
export async function repeat(
  testees: readonly ListedTestee[],
  wanted: Wanted,
  times: number,
  runner: Runner,
): Promise<number> {
  const { terminal, signal } = runner;
  let status = 0;
  for (const testee of testees) {
    const seen = new Map<string, AgentReport>();
    for (const { name, words } of repetitions(times, testee.role)) {
      if (signal.aborted) break;
      try {
        seen.set(name, await examineListed(testee, wanted, runner, words));
      } catch (error) {
        print(`${testee.name} (${testee.role}), ${name}: ${wordsOf(error)}\n`, terminal);
        status = 1;
      }
    }
    if (signal.aborted) return 1;
    const lines = differences(selectCases(wanted, testee.role), seen);
    if (lines.length > 0) status = 1;
    const many = lines.length === 1 ? '1 case' : `${lines.length} cases`;
    const sum = lines.length === 0 ? 'the same verdicts each time' : `several verdicts for ${many}`;
    print(`${testee.name} (${testee.role}): ${seen.size} runs, ${sum}.\n${lines.join('')}`, terminal);
  }
  return status;
}

function differences(cases: readonly { id: string }[], seen: ReadonlyMap<string, AgentReport>): string[] {
  return cases.flatMap(({ id }) => {
    const runs = new Map<string, string[]>();
    for (const [name, { results }] of seen) {
      const verdict = verdictOf(results.get(id));
      runs.set(verdict, [...(runs.get(verdict) ?? []), name]);
    }
    if (runs.size < 2) return [];
    return [`  ${id}: ${[...runs].map(([verdict, names]) => `${verdict} (${names.join(', ')})`).join('; ')}\n`];
  });
}

function verdictOf(result: { behavior: string; behaviorClose: string } | undefined): string {
  return result === undefined ? 'MISSING' : `${result.behavior}, ${result.behaviorClose}`;
}
