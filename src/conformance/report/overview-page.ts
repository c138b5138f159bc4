// `overviewPage` writes index.html: a column for each agent, a row for each case, filters and summary bars.
import { GROUP_TITLES, SUBGROUP_TITLES } from '../cases/titles.js';
import type { CaseResult } from '../result.js';
import type { FileNames } from './file-names.js';
import { markup, page, type Child, type Markup } from './html.js';
import { OVERVIEW_SCRIPT } from './overview-script.js';
import {
  allCases,
  byGroup,
  standingOf,
  STANDINGS,
  tally,
  type AgentReport,
  type Report,
  type Standing,
} from './report.js';
import { BASE_STYLE, OVERVIEW_STYLE } from './style.js';
import { BEHAVIOR_TEXT, CLOSE_TEXT, STANDING_TEXT } from './verdict.js';

/** The most agents that fit side by side; more scroll sideways beside a fixed first column. */
const AGENTS_ABREAST = 2;

/** The HTML of the overview of a run. */
export function overviewPage(report: Report, files: FileNames): string {
  const ids = allCases(report);
  const many = report.agents.length > AGENTS_ABREAST ? 'many' : 'few';
  const body = markup`<main class="overview">
    <header>
      <h1>WebSocket Conformance Report</h1>
      <p class="lede">
        ${counted(report.agents.length, 'agent')}, ${counted(ids.length, 'case')}, written
        <time datetime="${report.written.toISOString()}">${readableTime(report.written)}</time>.
        Beside a verdict stands the close code that the agent sent.
      </p>
    </header>
    <section class="agents" aria-label="Agents">${report.agents.map(agentCard)}</section>
    ${filterForm(report, ids)}
    <div class="scroll ${many}">
      <table class="cases">
        <thead>
          <tr>
            <th scope="col">Case</th>
            ${report.agents.map(({ name }) => markup`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        ${[...byGroup(ids)].map(([group, members]) => groupBodies(report, files, group, members))}
      </table>
    </div>
    <p class="nothing" hidden>No case matches the filter.</p>
  </main>`;
  return page('WebSocket Conformance Report', BASE_STYLE + OVERVIEW_STYLE, body, OVERVIEW_SCRIPT);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function readableTime(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function agentCard(agent: AgentReport): Markup {
  const counts = tally(agent, agent.selected);
  const [sample] = agent.results.values();
  const role = sample === undefined ? '' : sample.isServer ? 'client' : 'server';
  const present = STANDINGS.filter((standing) => counts[standing] > 0);
  const words = present.map((standing) => `${counts[standing]} ${STANDING_TEXT[standing].label}`).join(', ');
  return markup`<div class="agent-card">
    <h2>${agent.name} <span class="role">${role}</span></h2>
    ${agent.ended === undefined ? '' : markup`<p>${agent.ended}</p>`}
    ${bar(counts, agent.selected.length, words)}
    <ul>
      ${present.map((standing) => markup`<li class="${standing}"><b>${counts[standing]}</b> ${STANDING_TEXT[standing].label}</li>`)}
    </ul>
  </div>
`;
}

/** A bar of the standings, to scale. It uses SVG attributes, because the page's policy forbids inline styles. */
function bar(counts: Readonly<Record<Standing, number>>, total: number, words: string): Markup {
  let at = 0;
  const pieces = STANDINGS.map((standing) => {
    const width = (counts[standing] / Math.max(total, 1)) * 100;
    if (width === 0) return '';
    // The piece of a rare verdict stays wide enough to see.
    const shown = Math.max(width, 0.6);
    const piece = markup`<rect class="${standing}" x="${at.toFixed(3)}" y="0" width="${shown.toFixed(3)}" height="1"/>`;
    at += width;
    return piece;
  });
  return markup`<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label="${words}">
    ${pieces}
  </svg>`;
}

function filterForm(report: Report, ids: readonly string[]): Markup {
  const groups = [...byGroup(ids).keys()];
  const tallies = report.agents.map((agent) => tally(agent, agent.selected));
  const present = STANDINGS.filter((standing) => tallies.some((counts) => counts[standing] > 0));
  return markup`<form class="filter" hidden>
    <label>Group <select name="group"><option value="">All</option>${groups.map(groupOption)}</select></label>
    <fieldset>
      <legend>Verdict</legend>
      ${present.map(standingBox)}
    </fieldset>
    <label>Text <input type="search" name="text" placeholder="case or words" autocomplete="off" spellcheck="false"></label>
    <output>${counted(ids.length, 'case')}</output>
  </form>`;
}

function groupOption(group: string): Markup {
  return markup`<option value="${group}">${group} ${GROUP_TITLES[group] ?? ''}</option>`;
}

function standingBox(standing: Standing): Markup {
  const { mark, label } = STANDING_TEXT[standing];
  return markup`<label class="chip ${standing}"><input type="checkbox" name="verdict" value="${standing}" checked> ${mark} ${label}</label>
`;
}

function groupBodies(report: Report, files: FileNames, group: string, ids: readonly string[]): Markup {
  const bodies = [...bySubgroup(ids)].map(
    ([subgroup, members]) => markup`<tbody class="rows" data-group="${group}">
      ${subgroupRow(subgroup, report.agents.length + 1)}${members.map((id) => caseRow(report, files, id))}
    </tbody>
`,
  );
  return markup`<tbody class="group" data-group="${group}">
      <tr>
        <th scope="rowgroup">${group} <span>${GROUP_TITLES[group] ?? ''}</span></th>
        ${report.agents.map((agent) => groupCell(agent, ids))}
      </tr>
    </tbody>
    ${bodies}`;
}

function subgroupRow(subgroup: string, columns: number): Child {
  const title = SUBGROUP_TITLES[subgroup];
  if (title === undefined) return '';
  return markup`<tr class="subgroup"><th colspan="${columns}" scope="rowgroup">${subgroup} <span>${title}</span></th></tr>
`;
}

function bySubgroup(ids: readonly string[]): Map<string, string[]> {
  const subgroups = new Map<string, string[]>();
  for (const id of ids) {
    const parts = id.split('.');
    const subgroup = parts.length > 2 ? `${parts[0]}.${parts[1]}` : '';
    const members = subgroups.get(subgroup);
    if (members === undefined) subgroups.set(subgroup, [id]);
    else members.push(id);
  }
  return subgroups;
}

function groupCell(agent: AgentReport, ids: readonly string[]): Markup {
  const selected = new Set(agent.selected);
  const own = ids.filter((id) => selected.has(id));
  const counts = tally(agent, own);
  return markup`<td>${counts.ok + counts.informational} of ${own.length}</td>`;
}

function caseRow(report: Report, files: FileNames, id: string): Markup {
  const results = report.agents.map((agent) => agent.results.get(id));
  const described = results.find((result) => result !== undefined);
  const standings = report.agents.map((agent) =>
    agent.selected.includes(id) ? standingOf(agent.results.get(id)) : '',
  );
  return markup`<tr id="case-${id}" data-standings="${standings.join(' ')}">
    <th scope="row"><div><span class="id">${id}</span> <span class="description">${described?.description ?? ''}</span></div></th>
    ${report.agents.map((_, at) => caseCell(results[at], standings[at] ?? '', files))}
  </tr>
`;
}

function caseCell(result: CaseResult | undefined, standing: Standing | '', files: FileNames): Markup {
  if (standing === '') return markup`<td class="excluded">excluded</td>`;
  const { mark, label } = STANDING_TEXT[standing];
  if (result === undefined) return markup`<td class="missing"><b><i>${mark}</i> ${label}</b></td>`;
  const verdict = BEHAVIOR_TEXT[result.behavior];
  const closing =
    result.behaviorClose === 'OK' || result.behaviorClose === 'INFORMATIONAL'
      ? ''
      : markup`<em>${CLOSE_TEXT[result.behaviorClose]}</em> `;
  return markup`<td class="${standing}">
    <a href="${files.case(result.agent, result.id, 'html')}"><i>${mark}</i> ${verdict}</a>
    <small>${closing}${measures(result)}</small>
  </td>`;
}

function measures(result: CaseResult): Child {
  const parts = [result.remoteCloseCode === null ? 'no code' : String(result.remoteCloseCode)];
  if (result.reportTime) parts.push(`${result.duration}\u00a0ms`);
  const { trafficStats } = result;
  if (result.reportCompressionRatio && trafficStats !== null) {
    parts.push(
      `${ratio(trafficStats.incomingCompressionRatio)}\u00a0in, ${ratio(trafficStats.outgoingCompressionRatio)}\u00a0out`,
    );
  }
  return parts.join(' \u00b7 ');
}

function ratio(value: number | null): string {
  return value === null ? '\u2013' : `${(value * 100).toFixed(1)}\u202f%`;
}
