// `junitXml` writes JUnit XML, with a suite for each agent and group and a test case for each case.
import { GROUP_TITLES } from '../cases/titles.js';
import { escapeHtml } from './html.js';
import type { Refusal } from './judgement.js';
import { allCases, byGroup, standingOf, type AgentReport, type Report, type Standing } from './report.js';
import { reason } from './verdict.js';

/** The result of a test case in JUnit's terms. */
type Outcome = 'passed' | 'failure' | 'error' | 'skipped';

/**
 * The JUnit XML of a run. A refused case is a failure, or an error if it has no result; an accepted case that is not good is
 * skipped, with the reason.
 */
export function junitXml(report: Report, refused: readonly Refusal[]): string {
  const suites = report.agents.flatMap((agent) => {
    const own = new Set(refused.filter(({ agent: name }) => name === agent.name).map(({ id }) => id));
    const ids = allCases({ ...report, agents: [agent] });
    return [...byGroup(ids)].map(([group, members]) => suite(agent, group, members, own));
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="wsimd conformance">\n${suites.join('')}</testsuites>\n`;
}

function suite(agent: AgentReport, group: string, ids: readonly string[], refused: ReadonlySet<string>): string {
  const cases = ids.map((id) => ({ id, result: agent.results.get(id), outcome: outcomeOf(agent, id, refused) }));
  const count = (wanted: Outcome): number => cases.filter(({ outcome }) => outcome === wanted).length;
  const time = cases.reduce((sum, { result }) => sum + (result?.duration ?? 0), 0);
  const name = `${agent.name}: ${group} ${GROUP_TITLES[group] ?? ''}`;
  const lines = cases.map(({ id, result, outcome }) => {
    const head = `<testcase classname="${escapeHtml(agent.name)}" name="${escapeHtml(id)}" time="${seconds(result?.duration ?? 0)}"`;
    if (outcome === 'passed') return `    ${head}/>\n`;
    const verdict = result === undefined ? 'MISSING' : `${result.behavior}, close ${result.behaviorClose}`;
    const message = escapeHtml(`${verdict}: ${reason(result, agent.ended)}`);
    return `    ${head}>\n      <${outcome} message="${message}"/>\n    </testcase>\n`;
  });
  const counts = `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`;
  return `  <testsuite name="${escapeHtml(name)}" ${counts} time="${seconds(time)}">\n${lines.join('')}  </testsuite>\n`;
}

function outcomeOf(agent: AgentReport, id: string, refused: ReadonlySet<string>): Outcome {
  const standing: Standing = standingOf(agent.results.get(id));
  if (refused.has(id)) return standing === 'missing' ? 'error' : 'failure';
  switch (standing) {
    case 'ok':
    case 'informational':
      return 'passed';
    case 'nonStrict':
    case 'unimplemented':
    // The next three are accepted only where they are no worse than in the baseline.
    case 'closeFault':
    case 'failed':
    case 'missing':
      return 'skipped';
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
