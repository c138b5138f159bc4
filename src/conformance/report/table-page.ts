// `tablePage` writes a page with a table of testees by groups of cases, with links to the pages of failures.

import { GROUP_TITLES } from '../cases/titles.js';
import { markup, page, type Markup } from './html.js';
import { type Standing, STANDINGS } from './report.js';
import { BASE_STYLE } from './style.js';
import { STANDING_TEXT } from './verdict.js';

/** One testee of the table. */
export interface TableRow {
  name: string;
  role: 'server' | 'client';
  version: string;
  command: string;
  /** The directory of its pages, relative to the table. */
  report: string;
  /** As YYYY-MM-DD. */
  date: string;
  /** The number of cases with each standing, by group. */
  groups: Record<string, Partial<Record<Standing, number>>>;
  /** The cases that did not pass, each with its page, or null for none. */
  failures: { id: string; page: string | null }[];
  /** Why the testee has no results. */
  trouble?: string;
}

const STYLE = `${BASE_STYLE}
main { max-width: 80rem; }
main > * + * { margin-top: 1.25rem; }
.wide { overflow-x: auto; }
th, td { padding: 0.25rem 0.6rem 0.25rem 0; border-top: 1px solid var(--line); }
td small { color: var(--quiet); display: block; }
`;

/** The HTML of the page; `about` is its first paragraph. */
export function tablePage(about: string, rows: readonly TableRow[]): string {
  const body = markup`<main>
    <h1>WebSocket implementations by groups of cases</h1>
    <p>${about}</p>
    ${(['server', 'client'] as const).map((role) =>
      section(
        role,
        rows.filter((row) => row.role === role),
      ),
    )}
  </main>`;
  return page('WebSocket implementations by groups of cases', STYLE, body, '');
}

function section(role: TableRow['role'], rows: readonly TableRow[]): Markup {
  const groups = Object.keys(GROUP_TITLES).filter((group) => rows.some((row) => row.groups[group] !== undefined));
  return markup`<h2>As ${role}</h2>
    <div class="wide"><table>
      <thead><tr><th>Implementation</th>${groups.map((group) => markup`<th title="${GROUP_TITLES[group]}">${group}</th>`)}<th>Did not pass</th></tr></thead>
      <tbody>${rows.map((row) => rowOf(row, groups))}</tbody>
    </table></div>`;
}

function rowOf(row: TableRow, groups: readonly string[]): Markup {
  const { name, version, date, command, trouble, failures } = row;
  const rest =
    trouble === undefined
      ? failures.map(({ id, page: link }) => (link === null ? markup`${id} ` : markup`<a href="${link}">${id}</a> `))
      : trouble;
  return markup`<tr><th scope="row">${name} ${version}<br><small>${date} <code>${command}</code></small></th>
    ${groups.map((group) => cell(row.groups[group]))}<td>${rest}</td></tr>
`;
}

function cell(counts: TableRow['groups'][string] | undefined): Markup {
  if (counts === undefined) return markup`<td></td>`;
  const total = STANDINGS.reduce((sum, standing) => sum + (counts[standing] ?? 0), 0);
  const good = (counts.ok ?? 0) + (counts.informational ?? 0);
  const others = STANDINGS.filter(
    (standing) => standing !== 'ok' && standing !== 'informational' && counts[standing] !== undefined,
  );
  const words = others.map((standing) => `${counts[standing]} ${STANDING_TEXT[standing].label}`).join(', ');
  return markup`<td>${good} of ${total}${words === '' ? '' : markup`<small>${words}</small>`}</td>`;
}
