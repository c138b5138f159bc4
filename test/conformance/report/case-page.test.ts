import { expect, test } from 'vitest';
import { casePage } from '../../../src/conformance/report/case-page.js';
import { caseResult, elements, excerpt, textContent, TRAFFIC } from '../../support/case-results.js';
import * as wslay from '../../vectors/wslay-case-2.7.js';

const ALONE = { previous: undefined, next: undefined, others: [] };
const PAGE = casePage(wslay.RESULT, ALONE);

function cells(table: string): string[][] {
  return elements(table, 'tr').map((row) =>
    [...row.matchAll(/<t[hd]>(.*?)<\/t[hd]>/gs)].map((cell) => textContent(cell[1])),
  );
}

test('the page begins with the classic summary line', () => {
  expect(elements(PAGE, 'h1').map(textContent)).toEqual([wslay.SUMMARY]);
  const body = textContent(PAGE.slice(PAGE.indexOf('<body>')));
  expect(body.trim().startsWith(wslay.SUMMARY)).toBe(true);
});

test('the headings are the classic ones in the classic order', () => {
  const headings = [...PAGE.matchAll(/<h[23]>(.*?)<\/h[23]>/g)].map((match) => match[1]);
  expect(headings).toEqual(wslay.HEADINGS);
});

test('expected and observed events are Python literals, and the close verdict stands behind its sentence', () => {
  const outcome = PAGE.slice(PAGE.indexOf('Case Outcome'));
  expect(elements(outcome, 'pre').slice(0, 2).map(textContent)).toEqual([wslay.EXPECTED, wslay.OBSERVED]);
  expect(textContent(outcome)).toContain(wslay.CLOSING);
});

test('the opening handshake shows both header blocks', () => {
  const blocks = elements(PAGE.slice(PAGE.indexOf('Opening Handshake')), 'pre')
    .slice(0, 2)
    .map(textContent);
  const lines = (block: string): string => block.replaceAll('\r\n', '\n').trim();
  expect(blocks).toEqual([lines(wslay.RESULT.httpRequest), lines(wslay.RESULT.httpResponse)]);
});

test('the closing table has every key and value in Python spelling', () => {
  const [head, ...rows] = cells(elements(PAGE, 'table')[0]);
  expect(head).toEqual(['Key', 'Value', 'Description']);
  expect(rows.map(([key, value]) => [key, value])).toEqual(wslay.CLOSING_TABLE);
  expect(rows.every(([, , description]) => description.endsWith('.'))).toBe(true);
});

test('the four statistics tables are those of the classic page, with totals', () => {
  expect(elements(PAGE, 'table').slice(1).map(cells)).toEqual(wslay.STATISTICS);
});

test('statistics rows ascend by number', () => {
  const page = casePage(caseResult('2.7', { rxOctetStats: { 129: 1, 4: 2, 20: 3 } }), ALONE);
  expect(cells(elements(page, 'table')[1]).slice(1, -1)).toEqual([
    ['4', '2', '8'],
    ['20', '3', '60'],
    ['129', '1', '129'],
  ]);
});

test('the log equals the classic page once masks and PAYLOAD-LEN are removed', () => {
  const log = textContent(elements(PAGE, 'pre').at(-1)!)
    .replace(/, PAYLOAD-LEN=\d+/g, '')
    .replace(/, MASK=[0-9a-f]{8}/g, '')
    .replace(/(TX OCTETS: 8a80|TX OCTETS: 8882)[0-9a-f]+/g, '$1');
  expect(log.trimEnd().split('\n')).toEqual(wslay.LOG);
});

test('literals are cut to 1000 characters', () => {
  const received = Array.from({ length: 100 }, () => ({ kind: 'pong', payload: excerpt('0123456789') }) as const);
  const page = casePage(caseResult('2.7', { received }), ALONE);
  const observed = textContent(elements(page.slice(page.indexOf('Observed')), 'pre')[0]);
  expect(observed).toHaveLength(1004);
  expect(observed.endsWith(' ...')).toBe(true);
});

test('a bad close is said beside a summary line that names the behavior only', () => {
  const page = casePage(caseResult('2.7', { behaviorClose: 'UNCLEAN' }), ALONE);
  expect(elements(page, 'h1').map(textContent)).toEqual([wslay.SUMMARY]);
  expect(textContent(elements(page, 'nav')[0])).toContain('unclean close');
});

test('links lead to the overview, the neighbours and the same case of other agents', () => {
  const links = {
    previous: { text: '2.6', href: 'a_case_2_6.html' },
    next: { text: '2.8', href: 'a_case_2_8.html' },
    others: [{ text: 'ws', href: 'ws_case_2_7.html' }],
  };
  const hrefs = [...casePage(wslay.RESULT, links).matchAll(/href="([^"]*)"/g)].map((match) => match[1]);
  expect(hrefs).toEqual(['index.html#case-2.7', 'a_case_2_6.html', 'a_case_2_8.html', 'ws_case_2_7.html']);
});

test('nothing that a testee says becomes markup', () => {
  const evil = '<script>alert(1)</script>"\'&';
  const page = casePage(
    caseResult('2.7', {
      agent: evil,
      description: evil,
      expectation: evil,
      result: evil,
      resultClose: evil,
      wasNotCleanReason: evil,
      localCloseReason: evil,
      remoteCloseReason: evil,
      httpRequest: evil,
      httpResponse: evil,
      expected: { OK: [{ kind: 'message', payload: excerpt(evil), binary: false }] },
      received: [{ kind: 'timeout', tag: evil }],
      wirelog: [
        { kind: 'frameReceived', payload: excerpt(evil), opcode: 1, fin: true, rsv: 0, mask: null },
        { kind: 'delay', seconds: 1, tag: evil },
      ],
    }),
    { ...ALONE, others: [{ text: evil, href: evil }] },
  );
  expect(page).not.toContain('<script');
  expect(page).not.toMatch(/href="[^"]*[<>]/);
  expect(page.split('&lt;script&gt;').length).toBeGreaterThan(14);
});

test('a case of compression has a table of its data messages, below the classic four', () => {
  const page = casePage(caseResult('12.1.1', { trafficStats: TRAFFIC }), ALONE);
  expect(elements(page, 'h3').at(-1)).toBe('Data Messages');
  const rows = cells(elements(page, 'table').at(-1)!);
  expect(rows).toContainEqual(['Octets of payload', '9618', '17589']);
  expect(rows).toContainEqual(['Compression ratio', '0.601', '1.099']);
});
