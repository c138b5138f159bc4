// `progressLine` and `summary` write the text of a run for a terminal.
import { GROUP_TITLES, SUBGROUP_TITLES } from '../cases/titles.js';
import type { CaseResult } from '../result.js';
import type { Refusal } from './judgement.js';
import {
  allCases,
  byGroup,
  groupOf,
  standingOf,
  STANDINGS,
  tally,
  type AgentReport,
  type Report,
  type Standing,
} from './report.js';
import { reason } from './verdict.js';
import { visibleText } from './visible.js';

/** The progress of a run. */
export interface Progress {
  agent: string;
  id: string;
  done: number;
  total: number;
  /** The number of refused cases so far. */
  refused: number;
  seconds: number;
  /** The cases that run now, each with the seconds since its start. */
  running?: readonly { id: string; seconds: number }[];
}

/** The seconds after which the line names a running case. */
const LONG = 2;

/** The progress in one line of at most `width` characters, without a line feed. */
export function progressLine(progress: Progress, width: number): string {
  const { agent, id, done, total, refused, seconds, running = [] } = progress;
  const failed = refused === 0 ? '' : `  ${refused} refused`;
  const long = running.filter((one) => one.seconds >= LONG).sort((one, other) => other.seconds - one.seconds);
  const named = long.map((one) => `${one.id} for ${Math.floor(one.seconds)} s`).join(', ');
  const where = named === '' ? id : `running ${named}`;
  return visibleText(`${done} of ${total}  ${agent}  ${where}${failed}  ${Math.floor(seconds)} s`).slice(0, width);
}

/** The word for a standing, in column heads and in the list. */
const WORDS: Readonly<Record<Standing, string>> = {
  ok: 'OK',
  informational: 'INFO',
  nonStrict: 'NON-STRICT',
  unimplemented: 'UNIMPL.',
  closeFault: 'CLOSE',
  failed: 'FAILED',
  missing: 'MISSING',
};

/**
 * The text after a run, which ends with a line feed.
 * @param columns the width of the terminal; a table that is wider becomes a list of counts
 */
export function summary(report: Report, refused: readonly Refusal[], columns: number = Infinity): string {
  if (report.agents.length === 0) return 'Nobody came to be examined.\n';
  return `${report.agents.map((agent) => agentSummary(agent, columns)).join('\n')}\n${lastLine(report, refused)}\n`;
}

function lastLine(report: Report, refused: readonly Refusal[]): string {
  const total = report.agents.reduce((sum, { selected }) => sum + selected.length, 0);
  if (refused.length === 0) return `Passed: ${counted(total)}.`;
  const missing = refused.filter(({ result }) => result === undefined).length;
  const failed = refused.length - missing;
  if (missing === 0) return `Failed: ${failed} of ${counted(total)}.`;
  const none = `${counted(missing)} ${missing === 1 ? 'has' : 'have'} no result`;
  return failed === 0 ? `Failed: ${none}.` : `Failed: ${failed} of ${counted(total - missing)}, and ${none}.`;
}

function counted(count: number): string {
  return `${count} case${count === 1 ? '' : 's'}`;
}

function agentSummary(agent: AgentReport, columns: number): string {
  const ids = allCases({ agents: [agent], written: new Date(0) });
  return [...groupTable(agent, ids, columns), ...complaints(agent, ids), ...wordLines(agent, ids)].join('\n') + '\n';
}

function groupTable(agent: AgentReport, ids: readonly string[], columns: number): string[] {
  const groups = byGroup(ids);
  const totals = tally(agent, ids);
  const shown = STANDINGS.filter((standing) => standing === 'ok' || totals[standing] > 0);
  const name = visibleText(agent.name);
  const heads = name.padEnd(TITLE_WIDTH) + shown.map((one) => WORDS[one].padStart(columnWidth(one))).join('');
  const fits = heads.length <= columns;
  const line = fits ? row : list;
  const rows = [...groups].map(([group, members]) =>
    line(`${group.padStart(4)}  ${GROUP_TITLES[group] ?? ''}`, shown, tally(agent, members)),
  );
  return [fits ? heads : name, ...rows, line('      all', shown, totals)];
}

const TITLE_WIDTH = 32;

function columnWidth(standing: Standing): number {
  return WORDS[standing].length + 3;
}

function row(title: string, shown: readonly Standing[], counts: Readonly<Record<Standing, number>>): string {
  const cells = shown.map((standing) =>
    (counts[standing] === 0 ? '-' : String(counts[standing])).padStart(columnWidth(standing)),
  );
  return title.padEnd(TITLE_WIDTH) + cells.join('');
}

function list(title: string, shown: readonly Standing[], counts: Readonly<Record<Standing, number>>): string {
  const some = shown.filter((standing) => counts[standing] > 0);
  return `${title}: ${some.map((standing) => `${counts[standing]} ${WORDS[standing]}`).join(', ')}`;
}

/** A line with the reason for each case that has a complaint. */
function complaints(agent: AgentReport, ids: readonly string[]): string[] {
  const lines: string[] = [];
  for (const id of ids) {
    const result = agent.results.get(id);
    if (result === undefined || !isComplaint(standingOf(result))) continue;
    lines.push(`  ${id.padEnd(8)} ${verdict(result).padEnd(12)} ${visibleText(reason(result)).replace(/\s+/g, ' ')}`);
  }
  return lines.length === 0 ? [] : ['', ...lines];
}

function isComplaint(standing: Standing): boolean {
  return standing !== 'ok' && standing !== 'informational' && standing !== 'unimplemented' && standing !== 'missing';
}

function verdict(result: CaseResult): string {
  return standingOf(result) === 'closeFault' ? result.behaviorClose : result.behavior;
}

/** One line for all informational cases, one for all unimplemented ones and one for all without a result. */
function wordLines(agent: AgentReport, ids: readonly string[]): string[] {
  const lines: string[] = [];
  for (const [standing, word] of [
    ['informational', 'INFORMATIONAL'],
    ['unimplemented', 'UNIMPLEMENTED'],
    ['missing', 'MISSING'],
  ] as const) {
    const own = ids.filter((id) => standingOf(agent.results.get(id)) === standing);
    if (own.length > 0) lines.push('', `  ${word}: ${counted(own.length)} (${patterns(own, ids).join(', ')})`);
  }
  if (agent.ended !== undefined) lines.push('', `  ${visibleText(agent.ended)}`);
  return lines;
}

/** Patterns that match `ids` and no others of `all`: a whole group or subgroup is one pattern, such as `12.*` or `13.3.*`. */
export function patterns(ids: readonly string[], all: readonly string[]): string[] {
  const own = new Set(ids);
  const found = new Set<string>();
  for (const id of ids) {
    const subgroup = id.split('.').slice(0, 2).join('.');
    const candidates = [groupOf(id), ...(subgroup in SUBGROUP_TITLES ? [subgroup] : [])];
    const whole = candidates.find((start) => all.every((other) => !other.startsWith(`${start}.`) || own.has(other)));
    found.add(whole === undefined ? id : `${whole}.*`);
  }
  return [...found];
}
