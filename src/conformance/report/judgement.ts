// `refusals` finds the cases for which a run fails, with an earlier run as the measure if there is one.
import { isPass, type Behavior, type CaseResult, type CloseBehavior } from '../result.js';
import { standingOf, type Report, type Standing } from './report.js';

/** Both verdicts of a case, as in an index.json. */
export type Verdicts = Pick<CaseResult, 'behavior' | 'behaviorClose'>;

/** The verdicts of an earlier run, by agent and case id. */
export type Baseline = ReadonlyMap<string, ReadonlyMap<string, Verdicts>>;

/** The measure by which cases are refused. */
export interface Measure {
  /** Whether NON-STRICT and UNIMPLEMENTED are refused too. */
  strict: boolean;
  /** An earlier run: only results worse than in it are refused. Cases that it lacks are judged without it. */
  baseline?: Baseline | undefined;
}

/** A case for which the run fails. */
export interface Refusal {
  agent: string;
  id: string;
  result: CaseResult | undefined;
}

/** Every case for which the run fails, in the order of agents and cases. */
export function refusals(report: Report, measure: Measure): Refusal[] {
  const refused: Refusal[] = [];
  for (const { name, selected, results } of report.agents) {
    const earlier = earlierOf(measure.baseline, name);
    for (const id of selected) {
      const result = results.get(id);
      const before = earlier?.get(id);
      const bad = before === undefined ? !passes(result, measure.strict) : isWorse(result, before);
      if (bad) refused.push({ agent: name, id, result });
    }
  }
  return refused;
}

/** The exit status: 0 where agents were examined and no case was refused, else 1. */
export function exitStatus(report: Report, refused: readonly Refusal[]): 0 | 1 {
  return report.agents.length > 0 && refused.length === 0 ? 0 : 1;
}

function passes(result: CaseResult | undefined, strict: boolean): boolean {
  return result !== undefined && isPass(result, strict);
}

/** The same agent in the earlier run, or its only agent: a name often contains a version, and so changes with it. */
function earlierOf(baseline: Baseline | undefined, name: string): ReadonlyMap<string, Verdicts> | undefined {
  if (baseline === undefined) return undefined;
  const [only] = baseline.values();
  return baseline.get(name) ?? (baseline.size === 1 ? only : undefined);
}

const RANKS: Readonly<Record<Standing, number>> = {
  ok: 0,
  informational: 0,
  nonStrict: 1,
  unimplemented: 2,
  closeFault: 3,
  failed: 4,
  missing: 5,
};

function isWorse(now: Verdicts | undefined, before: Verdicts): boolean {
  const difference = RANKS[standingOf(now)] - RANKS[standingOf(before)];
  return difference > 0 || (difference === 0 && closesWell(before) && !closesWell(now));
}

function closesWell(verdicts: Verdicts | undefined): boolean {
  return verdicts?.behaviorClose === 'OK' || verdicts?.behaviorClose === 'INFORMATIONAL';
}

const BEHAVIORS: readonly Behavior[] = ['OK', 'NON-STRICT', 'INFORMATIONAL', 'UNIMPLEMENTED', 'FAILED'];
const CLOSE_BEHAVIORS: readonly CloseBehavior[] = [
  'OK',
  'FAILED',
  'WRONG CODE',
  'UNCLEAN',
  'FAILED BY CLIENT',
  'INFORMATIONAL',
];

/**
 * Reads the text of an index.json, this suite's or the classic one's.
 * @throws Error, whose message is one sentence, where it does not have that form
 */
export function readBaseline(text: string): Baseline {
  const agents = new Map<string, Map<string, Verdicts>>();
  for (const [agent, cases] of entriesOf(JSON.parse(text) as unknown, 'the baseline')) {
    const verdicts = new Map<string, Verdicts>();
    for (const [id, fields] of entriesOf(cases, `agent ${agent} of the baseline`)) {
      const { behavior, behaviorClose } = Object.fromEntries(entriesOf(fields, `case ${id} of the baseline`));
      verdicts.set(id, {
        behavior: oneOf(BEHAVIORS, behavior, `the behavior of case ${id} in the baseline`),
        behaviorClose: oneOf(CLOSE_BEHAVIORS, behaviorClose, `the behaviorClose of case ${id} in the baseline`),
      });
    }
    agents.set(agent, verdicts);
  }
  return agents;
}

function entriesOf(value: unknown, what: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is not an object`);
  return Object.entries(value);
}

function oneOf<Word extends string>(words: readonly Word[], value: unknown, what: string): Word {
  const word = words.find((known) => known === value);
  if (word === undefined) throw new Error(`${what} is none of ${words.join(', ')}`);
  return word;
}
