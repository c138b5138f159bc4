import { expect, test } from 'vitest';
import { refusals } from '../../../src/conformance/report/judgement.js';
import { patterns, progressLine, summary } from '../../../src/conformance/report/terminal.js';
import { agentReport, caseResult, runReport } from '../../support/case-results.js';

test('the summary has a table by group, a line for each case that is not OK, and one for all UNIMPLEMENTED', () => {
  const results = [
    caseResult('1.1.1'),
    caseResult('1.1.2', { behavior: 'FAILED', expected: {}, description: 'A push.', result: 'It fell over.' }),
    caseResult('2.7', { behaviorClose: 'UNCLEAN', resultClose: 'It was not clean.' }),
    caseResult('7.1.6', { behavior: 'INFORMATIONAL', behaviorClose: 'INFORMATIONAL' }),
    caseResult('12.1.1', { behavior: 'UNIMPLEMENTED' }),
    caseResult('12.1.2', { behavior: 'UNIMPLEMENTED' }),
  ];
  const selected = [...results.map(({ id }) => id), 'H.1.1'];
  const report = runReport(agentReport('ws/8.23.0', results, selected));
  expect(summary(report, refusals(report, { strict: false }))).toBe(
    `
ws/8.23.0                          OK   INFO   UNIMPL.   CLOSE   FAILED   MISSING
   1  Framing                       1      -         -       -        1         -
   2  Pings and pongs               -      -         -       1        -         -
   7  Close handling                -      1         -       -        -         -
  12  Compression: payloads         -      -         2       -        -         -
   H  Opening handshake             -      -         -       -        -         1
      all                           1      1         2       1        1         1

  1.1.2    FAILED       A push: It fell over
  2.7      UNCLEAN      It was not clean

  INFORMATIONAL: 1 case (7.*)

  UNIMPLEMENTED: 2 cases (12.*)

  MISSING: 1 case (H.*)

Failed: 2 of 6 cases, and 1 case has no result.
`.slice(1),
  );
});

test('a run in which nothing is refused has passed', () => {
  expect(summary(runReport(agentReport('a', [caseResult('2.7')])), [])).toMatch(/\nPassed: 1 case\.\n$/);
});

test('a run that ended early says why once, however many cases are missing', () => {
  const agent = { ...agentReport('a', [caseResult('2.7')], ['2.1', '2.2', '2.7']), ended: 'The run was interrupted.' };
  const report = runReport(agent);
  expect(summary(report, refusals(report, { strict: false }))).toMatch(
    /\n {2}MISSING: 2 cases \(2\.1, 2\.2\)\n\n {2}The run was interrupted\.\n\nFailed: 2 cases have no result\.\n$/,
  );
});

test('a run without agents says so', () => {
  expect(summary(runReport(), [])).toBe('Nobody came to be examined.\n');
});

test('no testee commands the terminal', () => {
  const evil = '\u001b[2J\u202e';
  const result = caseResult('2.7', { behavior: 'FAILED', expected: {}, result: `${evil}\nand more` });
  const report = runReport(agentReport(evil, [result]));
  const said = summary(report, refusals(report, { strict: false }));
  expect(said).not.toMatch(/[\u001b\u202e]/);
  expect(said).toContain('\\x1b[2J\\u202e and more\n');
  const line = progressLine({ agent: evil, id: '1.1.1', done: 1, total: 2, refused: 0, seconds: 0 }, 80);
  expect(line).not.toMatch(/[\u001b\u202e]/);
});

test('the progress line names the cases that take long', () => {
  const progress = { agent: 'a', id: '1.1.1', done: 1, total: 9, refused: 0, seconds: 9.9 };
  const running = [
    { id: '9.1.6', seconds: 3.5 },
    { id: '2.1', seconds: 0.5 },
    { id: '9.3.1', seconds: 7 },
  ];
  expect(progressLine({ ...progress, running }, 80)).toBe('1 of 9  a  running 9.3.1 for 7 s, 9.1.6 for 3 s  9 s');
});

test('the progress line says how far the run is, within the width of the terminal', () => {
  const progress = { agent: 'ws/8.23.0', id: '6.4.1', done: 312, total: 517, refused: 2, seconds: 9.9 };
  expect(progressLine(progress, 80)).toBe('312 of 517  ws/8.23.0  6.4.1  2 refused  9 s');
  expect(progressLine(progress, 10)).toBe('312 of 517');
});

test('whole groups and subgroups are named by a pattern', () => {
  const all = ['12.1.1', '12.1.2', '13.3.1', '13.3.2', '13.4.1', '13.4.2', '2.1', '2.2'];
  expect(patterns(['12.1.1', '12.1.2', '13.3.1', '13.3.2', '13.4.1', '2.2'], all)).toEqual([
    '12.*',
    '13.3.*',
    '13.4.1',
    '2.2',
  ]);
});
