// `Report` is a run in the shape that every report reads: the agents side by side, each with its cases.
import { GROUP_TITLES } from '../cases/titles.js';
import type { CaseResult } from '../result.js';

/** One testee's part of a run. */
export interface AgentReport {
  name: string;
  /** Ids of the cases this agent was to run, in the order of the list. */
  selected: readonly string[];
  /** The results, by id. A selected case without a result is missing. */
  results: ReadonlyMap<string, CaseResult>;
  /** Why cases are missing, as one sentence: the testee could not be reached, it died, the run was interrupted. */
  ended?: string | undefined;
}

/** A whole run, as it stands when it is written. */
export interface Report {
  agents: readonly AgentReport[];
  written: Date;
}

/** How one case stands, in one word: the two verdicts folded for colouring, counting and filtering. */
export type Standing =
  | 'ok'
  | 'nonStrict'
  | 'informational'
  | 'unimplemented'
  | 'failed'
  /** The behavior was accepted, the way the connection ended was not. */
  | 'closeFault'
  | 'missing';

/** Every standing in the order in which summaries name them. */
export const STANDINGS: readonly Standing[] = [
  'ok',
  'informational',
  'nonStrict',
  'unimplemented',
  'closeFault',
  'failed',
  'missing',
];

/** How a case stands; `undefined` means that it has no result. */
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

/** How many of `ids` stand how. */
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

/** The group of a case: its id up to the first dot. */
export function groupOf(id: string): string {
  return id.slice(0, id.indexOf('.'));
}

const GROUP_ORDER: readonly string[] = Object.keys(GROUP_TITLES);

/** Orders case ids as the list has them: by group, then each part as a number. */
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

/** Every case that any agent was to run, in the order of the list. */
export function allCases(report: Report): string[] {
  return [...new Set(report.agents.flatMap((agent) => agent.selected))].sort(compareCaseIds);
}

/** Cuts a sorted list of ids into its groups. */
export function byGroup(ids: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const id of ids) {
    const members = groups.get(groupOf(id));
    if (members === undefined) groups.set(groupOf(id), [id]);
    else members.push(id);
  }
  return groups;
}
