import { expect, test } from 'vitest';
import { fileNames } from '../../../src/conformance/report/file-names.js';
import { overviewPage } from '../../../src/conformance/report/overview-page.js';
import type { Report } from '../../../src/conformance/report/report.js';
import { agentReport, caseResult, elements, runReport, textContent, TRAFFIC } from '../../support/case-results.js';

function overview(report: Report): string {
  return overviewPage(report, fileNames(report.agents.map(({ name }) => name)));
}

function rowOf(page: string, id: string): string {
  return page.slice(page.indexOf(`id="case-${id}"`)).split('</tr>')[0];
}

const REPORT = runReport(
  agentReport('ws', [
    caseResult('2.1'),
    caseResult('6.4.1', { behavior: 'NON-STRICT', remoteCloseCode: 1007 }),
    caseResult('9.1.1', { reportTime: true, duration: 12 }),
  ]),
  agentReport(
    'wslay',
    [
      caseResult('2.1', { behaviorClose: 'UNCLEAN', remoteCloseCode: null }),
      caseResult('6.4.1', { behavior: 'FAILED' }),
    ],
    ['2.1', '6.4.1', '9.1.1', '10.1.1'],
  ),
);

test('agents stand side by side, each verdict a word and a mark that leads to its page', () => {
  const page = overview(REPORT);
  const cells = (id: string): string[] =>
    elements(rowOf(page, id), 'td').map((cell) => textContent(cell).replace(/\s+/g, ' ').trim());
  expect(cells('2.1')).toEqual(['\u2713 Pass 1000', '! Pass unclean close no code']);
  expect(cells('6.4.1')).toEqual(['~ Non-Strict 1007', '\u2715 Fail 1000']);
  expect(cells('9.1.1')).toEqual(['\u2713 Pass 1000 \u00b7 12 ms', '? Missing']);
  expect(cells('10.1.1')).toEqual(['excluded', '? Missing']);
  expect(rowOf(page, '6.4.1')).toContain('<a href="wslay_case_6_4_1.html">');
});

test('rows carry the standings by which the filter picks them', () => {
  const standings = [...overview(REPORT).matchAll(/data-standings="([^"]*)"/g)].map((match) => match[1]);
  expect(standings).toEqual(['ok closeFault', 'nonStrict failed', 'ok missing', ' missing']);
});

test('each agent has a summary with the count of each standing, and a bar that says the same to a screen reader', () => {
  const page = overview(REPORT);
  const cards = elements(page, 'ul').map((list) => elements(list, 'li').map(textContent));
  expect(cards).toEqual([
    ['2 Pass', '1 Non-Strict'],
    ['1 Close fault', '1 Fail', '2 Missing'],
  ]);
  expect(page).toContain('aria-label="2 Pass, 1 Non-Strict"');
});

test('compression ratios are shown where the case asks for it', () => {
  const trafficStats = { ...TRAFFIC, outgoingCompressionRatio: 0.1, incomingCompressionRatio: null };
  const page = overview(
    runReport(agentReport('a', [caseResult('12.1.1', { reportCompressionRatio: true, trafficStats })])),
  );
  expect(rowOf(page, '12.1.1')).toContain('\u2013\u00a0in, 10.0\u202f%\u00a0out');
});

test('nothing that a testee says becomes markup', () => {
  const evil = '<script>alert(1)</script>"';
  const page = overview(runReport(agentReport(evil, [caseResult('2.1', { description: evil })])));
  expect(elements(page, 'script')).toHaveLength(1);
  expect(page).not.toContain('alert(1)</script>"');
});
