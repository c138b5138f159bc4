// `Report` is a run in the form that all reports read: the agents, each with its cases.
import { GROUP_TITLES } from '../cases/titles.js';
import type { CaseResult } from '../result.js';

/** The part of a run that belongs to one testee. */
export interface AgentReport {
  name: string;
  /** The ids of the cases selected for this agent, in the order of `ALL_CASES`. */
  selected: readonly string[];
  /** The results by id. A selected case without a result is missing. */
  results: ReadonlyMap<string, CaseResult>;
  /** Why cases are missing, in one sentence: the testee did not answer, it died, or the run was interrupted. */
  ended?: string | undefined;
}

/** A run, at the time `written`. */
export interface Report {
  agents: readonly AgentReport[];
  written: Date;
  /** How the client ended that the suite started, in one sentence, where there is no agent. */
  ended?: string | undefined;
}

/** The two verdicts of a case in one word, by which reports colour, count and filter. */
export type Standing =
  | 'ok'
  | 'nonStrict'
  | 'informational'
  | 'unimplemented'
  | 'failed'
  /** The behavior passes, but the closing does not. */
  | 'closeFault'
  | 'missing';

/** All standings, in the order of summaries. */
export const STANDINGS: readonly Standing[] = [
  'ok',
  'informational',
  'nonStrict',
  'unimplemented',
  'closeFault',
  'failed',
  'missing',
];

/** The standing of a result; undefined for a case without one. */
export function standingOf(result: Pick<CaseResult, 'behavior' | 'behaviorClose'> | undefined): Standing {
  if (result === undefined) return 'missing';
  if (result.behavior === 'FAILED') return 'failed';
  if (result.behaviorClose !== 'OK' && result.behaviorClose !== 'INFORMATIONAL') return 'closeFault';
  switch (result.behavior) {
    case 'OK':
      return 'ok';
    case 'NON-STRICT':
      return 'nonStrict';
    case 'INFORMATIONAL':
      return 'informational';
    case 'UNIMPLEMENTED':
      return 'unimplemented';
  }
}

/** The number of `ids` with each standing. */
export function tally(agent: AgentReport, ids: readonly string[]): Record<Standing, number> {
  const counts: Record<Standing, number> = {
    ok: 0,
    informational: 0,
    nonStrict: 0,
    unimplemented: 0,
    closeFault: 0,
    failed: 0,
    missing: 0,
  };
  for (const id of ids) counts[standingOf(agent.results.get(id))]++;
  return counts;
}

/** The group of a case: the part of its id before the first dot. */
export function groupOf(id: string): string {
  return id.slice(0, id.indexOf('.'));
}

const GROUP_ORDER: readonly string[] = Object.keys(GROUP_TITLES);

/** Compares case ids in the order of `ALL_CASES`: by group, then by each part as a number. */
export function compareCaseIds(one: string, other: string): number {
  const byGroup = GROUP_ORDER.indexOf(groupOf(one)) - GROUP_ORDER.indexOf(groupOf(other));
  if (byGroup !== 0) return byGroup;
  const ones = one.split('.').slice(1).map(Number);
  const others = other.split('.').slice(1).map(Number);
  for (let at = 0; at < Math.max(ones.length, others.length); at++) {
    const difference = (ones[at] ?? 0) - (others[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The ids of all cases selected for any agent, in the order of `ALL_CASES`. */
export function allCases(report: Report): string[] {
  return [...new Set(report.agents.flatMap((agent) => agent.selected))].sort(compareCaseIds);
}

/** The groups of a sorted list of ids. */
export function byGroup(ids: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const id of ids) {
    const members = groups.get(groupOf(id));
    if (members === undefined) groups.set(groupOf(id), [id]);
    else members.push(id);
  }
  return groups;
}
