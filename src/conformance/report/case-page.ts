// `casePage` writes the HTML page of one case, with the sections of the classic page in their order.
import type { CaseResult, TrafficStats } from '../result.js';
import { CLOSING_KEYS } from './closing-table.js';
import { markup, page, type Child, type Markup, type Style } from './html.js';
import { cutLiteral, pythonCell, pythonEvents, pythonOutcomes } from './python.js';
import { groupOf, standingOf } from './report.js';
import { BASE_STYLE, CASE_STYLE } from './style.js';
import { BEHAVIOR_TEXT, CLOSE_TEXT, STANDING_TEXT } from './verdict.js';
import { GROUP_TITLES, SUBGROUP_TITLES } from '../cases/titles.js';
import { wireLines, type WireLine } from './wire-log.js';

/** A link to another page of the report. */
export interface Link {
  text: string;
  href: string;
}

/** The pages to which a case page links. */
export interface CaseLinks {
  /** The overview; default the report's own. */
  all?: Link;
  previous: Link | undefined;
  next: Link | undefined;
  /** The pages of the same case for other agents. */
  others: readonly Link[];
}

/** The style sheet of case pages. */
export const CASE_PAGE_STYLE: string = BASE_STYLE + CASE_STYLE;

/** The HTML of the page of one case. It contains its style sheet, unless `style` is a link to one. */
export function casePage(result: CaseResult, links: CaseLinks, style: Style = CASE_PAGE_STYLE): string {
  const body = markup`<main class="case-page">
    <article>
      <h1>${summaryLine(result)}</h1>
      ${navigation(result, links)}
      <section>
        <h2>Case Description</h2>
        <p class="prose">${result.description}</p>
      </section>
      <section>
        <h2>Case Expectation</h2>
        <p class="prose">${result.expectation}</p>
      </section>
      <section>
        <h2>Case Outcome</h2>
        <p class="prose">${result.result}</p>
        <div class="outcome">
          <p>Expected:</p>
          <pre>${cutLiteral(pythonOutcomes(result.expected))}</pre>
          <p>Observed:</p>
          <pre>${cutLiteral(pythonEvents(result.received))}</pre>
        </div>
      </section>
      <section>
        <h2>Case Closing Behavior</h2>
        <p class="prose">${result.resultClose} (${result.behaviorClose})</p>
      </section>
      <section>
        <h2>Opening Handshake</h2>
        <pre class="handshake">${headerBlock(result.httpRequest)}</pre>
        <pre class="handshake">${headerBlock(result.httpResponse)}</pre>
      </section>
      <section>
        <h2>Closing Behavior</h2>
        ${closingTable(result)}
      </section>
      <section>
        <h2>Wire Statistics</h2>
        ${wireStatistics(result)}
      </section>
      <section>
        <h2>Wire Log</h2>
        <pre class="log">${wireLines(result).map(logLine)}</pre>
      </section>
    </article>
  </main>`;
  return page(`${result.agent} - Case ${result.id}`, style, body, '');
}

/** `AGENT - Case ID : VERDICT - N ms @ STARTED`. */
function summaryLine(result: CaseResult): Markup {
  const verdict = BEHAVIOR_TEXT[result.behavior];
  const when = `- ${result.duration} ms @ ${result.started}`;
  return markup`<span class="agent">${result.agent}</span> - Case ${result.id} : <span class="verdict ${standingOf(result)}">${verdict}</span> <span class="when">${when}</span>`;
}

function navigation(result: CaseResult, { all, previous, next, others }: CaseLinks): Markup {
  const overview = all ?? { text: 'All cases', href: `index.html#case-${result.id}` };
  const group = groupOf(result.id);
  const subgroup = SUBGROUP_TITLES[result.id.split('.').slice(0, 2).join('.')];
  const place = [`${group} ${GROUP_TITLES[group] ?? ''}`.trim(), ...(subgroup === undefined ? [] : [subgroup])];
  const standing = standingOf(result);
  // The summary line shows only the behavior; the chip shows a bad close.
  const closing =
    standing === 'closeFault' || (standing === 'failed' && result.behaviorClose !== 'OK')
      ? markup`<span class="chip ${standing}">${STANDING_TEXT[standing].mark} ${CLOSE_TEXT[result.behaviorClose]}</span>`
      : '';
  return markup`<nav aria-label="Cases">
    <span class="place">${place.join(' \u00b7 ')} ${closing}</span>
    <span class="steps"><a href="${overview.href}">${overview.text}</a>${step('prev', previous)}${step('next', next)}</span>
    ${others.length === 0 ? '' : markup`<span class="others">Same case: ${others.map(otherLink)}</span>`}
  </nav>`;
}

function otherLink({ text, href }: Link): Markup {
  return markup`<a href="${href}">${text}</a> `;
}

function step(rel: 'prev' | 'next', link: Link | undefined): Child {
  if (link === undefined) return '';
  const text = rel === 'prev' ? `\u2190 ${link.text}` : `${link.text} \u2192`;
  return markup` <a rel="${rel}" href="${link.href}">${text}</a>`;
}

function headerBlock(block: string): string {
  return block.replaceAll('\r\n', '\n').trim();
}

function closingTable(result: CaseResult): Markup {
  const rows = CLOSING_KEYS.map(({ key, description }) => {
    // Each key of the table has a boolean, a number, a string or null.
    const value = result[key] as boolean | number | string | null;
    return markup`<tr>
      <td><code>${key}</code></td>
      <td><code class="value">${pythonCell(value)}</code></td>
      <td>${description}</td>
    </tr>
`;
  });
  return markup`<table class="closing">
    <thead>
      <tr>
        <th>Key</th>
        <th>Value</th>
        <th>Description</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

function wireStatistics(result: CaseResult): Markup {
  if (!result.createStats) return markup`<p class="prose">Not kept for this case.</p>`;
  return markup`<div class="statistics">
    ${octetTable('Octets Received by Chop Size', result.rxOctetStats)}
    ${octetTable('Octets Transmitted by Chop Size', result.txOctetStats)}
    ${frameTable('Frames Received by Opcode', result.rxFrameStats)}
    ${frameTable('Frames Transmitted by Opcode', result.txFrameStats)}
    ${result.trafficStats === null ? '' : trafficTable(result.trafficStats)}
  </div>`;
}

function octetTable(title: string, stats: Readonly<Record<number, number>>): Markup {
  const rows = ascending(stats).map(([size, count]) => [size, count, size * count]);
  const total = ['Total', sum(rows, 1), sum(rows, 2)];
  return statisticsTable(title, ['Chop Size', 'Count', 'Octets'], rows, total);
}

function frameTable(title: string, stats: Readonly<Record<number, number>>): Markup {
  const rows = ascending(stats);
  return statisticsTable(title, ['Opcode', 'Count'], rows, ['Total', sum(rows, 1)]);
}

function ascending(stats: Readonly<Record<number, number>>): number[][] {
  return Object.entries(stats)
    .map(([key, count]) => [Number(key), count])
    .sort(([one], [other]) => one - other);
}

function sum(rows: readonly (readonly number[])[], column: number): number {
  return rows.reduce((total, row) => total + row[column], 0);
}

function trafficTable(traffic: TrafficStats): Markup {
  const row = (name: string, received: number | null, sent: number | null): Child[] => [
    name,
    figure(received),
    figure(sent),
  ];
  return statisticsTable(
    'Data Messages',
    ['Level', 'Received', 'Transmitted'],
    [
      row('Messages', traffic.incomingWebSocketMessages, traffic.outgoingWebSocketMessages),
      row('Frames', traffic.incomingWebSocketFrames, traffic.outgoingWebSocketFrames),
      row('Octets of the application', traffic.incomingOctetsAppLevel, traffic.outgoingOctetsAppLevel),
      row('Octets of payload', traffic.incomingOctetsWebSocketLevel, traffic.outgoingOctetsWebSocketLevel),
      row('Octets on the wire', traffic.incomingOctetsWireLevel, traffic.outgoingOctetsWireLevel),
      row('Compression ratio', traffic.incomingCompressionRatio, traffic.outgoingCompressionRatio),
    ],
    undefined,
  );
}

function figure(value: number | null): string {
  if (value === null) return 'None';
  return Number.isInteger(value) ? String(value) : value.toFixed(3);
}

function statisticsTable(
  title: string,
  heads: readonly string[],
  rows: readonly (readonly Child[])[],
  total: readonly Child[] | undefined,
): Markup {
  const cells = (row: readonly Child[]): Markup =>
    markup`<tr>
      ${row.map((cell) => markup`<td>${cell}</td>`)}
    </tr>
`;
  return markup`<div>
    <h3>${title}</h3>
    <table>
      <thead>
        <tr>
          ${heads.map((head) => markup`<th>${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(cells)}
      </tbody>
      ${total === undefined ? '' : markup`<tfoot>${cells(total)}</tfoot>`}
    </table>
  </div>
`;
}

/** The indentation of lines below a head: 15 characters, as in the classic page. */
const INDENT = ' '.repeat(15);

function logLine({ direction, head, rest, inline }: WireLine): Markup {
  const bytes = rest.join(`\n${INDENT}`);
  const below = rest.length === 0 || inline ? bytes : `\n${INDENT}${bytes}`;
  return markup`<span class="line ${direction}">${head}<span class="bytes">${below}</span>
</span>`;
}
