import { expect, test } from 'vitest';
import { refusals } from '../../../src/conformance/report/judgement.js';
import { junitXml } from '../../../src/conformance/report/junit.js';
import { agentReport, caseResult, runReport } from '../../support/case-results.js';

test('a suite for each agent and group, a test case for each case', () => {
  const results = [
    caseResult('1.1.1', { duration: 1500 }),
    caseResult('1.1.2', {
      behavior: 'FAILED',
      expected: {},
      description: 'A push.',
      result: 'It <fell> over.',
      duration: 20,
    }),
    caseResult('1.1.3', { behavior: 'NON-STRICT' }),
    caseResult('12.1.1', { behavior: 'UNIMPLEMENTED', result: 'No extension was agreed.' }),
  ];
  const report = runReport(agentReport('a&b', results, ['1.1.1', '1.1.2', '1.1.3', '1.1.4', '12.1.1']));
  expect(junitXml(report, refusals(report, { strict: false }))).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="wsimd conformance">
  <testsuite name="a&amp;b: 1 Framing" tests="4" failures="1" errors="1" skipped="1" time="1.520">
    <testcase classname="a&amp;b" name="1.1.1" time="1.500"/>
    <testcase classname="a&amp;b" name="1.1.2" time="0.020">
      <failure message="FAILED, close OK: A push: It &lt;fell&gt; over"/>
    </testcase>
    <testcase classname="a&amp;b" name="1.1.3" time="0.000">
      <skipped message="NON-STRICT, close OK: received nothing, but with other content than expected"/>
    </testcase>
    <testcase classname="a&amp;b" name="1.1.4" time="0.000">
      <error message="MISSING: no result: the case was selected but never finished"/>
    </testcase>
  </testsuite>
  <testsuite name="a&amp;b: 12 Compression: payloads" tests="1" failures="0" errors="0" skipped="1" time="0.000">
    <testcase classname="a&amp;b" name="12.1.1" time="0.000">
      <skipped message="UNIMPLEMENTED, close OK: No extension was agreed"/>
    </testcase>
  </testsuite>
</testsuites>
`);
});

test('what a strict run refuses is a failure, what a baseline excuses is skipped', () => {
  const report = runReport(agentReport('a', [caseResult('1.1.1', { behavior: 'NON-STRICT' })]));
  expect(junitXml(report, refusals(report, { strict: true }))).toContain('<failure ');
  const failing = runReport(agentReport('a', [caseResult('1.1.1', { behavior: 'FAILED' })]));
  const baseline = new Map([['a', new Map([['1.1.1', { behavior: 'FAILED', behaviorClose: 'OK' } as const]])]]);
  expect(junitXml(failing, refusals(failing, { strict: false, baseline }))).toContain('<skipped ');
});

test('characters that XML forbids are shown by their numbers', () => {
  const report = runReport(agentReport('a\u0000\u001b\ud800\uffff', [caseResult('1.1.1')]));
  expect(junitXml(report, [])).toContain('classname="a\\x00\\x1b\\ud800\\uffff"');
});
