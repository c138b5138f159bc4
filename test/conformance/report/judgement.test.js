import { expect, test } from 'vitest';
import { exitStatus, readBaseline, refusals } from '../../../src/conformance/report/judgement.js';
import { agentReport, caseResult, runReport } from '../../support/case-results.js';
function statusOf(behavior, behaviorClose, strict, baseline) {
    const report = runReport(agentReport('a', [caseResult('2.7', { behavior, behaviorClose })]));
    return exitStatus(report, refusals(report, { strict, baseline }));
}
test.each([
    ['OK', 'OK', 0, 0],
    ['INFORMATIONAL', 'INFORMATIONAL', 0, 0],
    ['OK', 'INFORMATIONAL', 0, 0],
    ['NON-STRICT', 'OK', 0, 1],
    ['UNIMPLEMENTED', 'OK', 0, 1],
    ['FAILED', 'OK', 1, 1],
    ['OK', 'FAILED', 1, 1],
    ['OK', 'UNCLEAN', 1, 1],
    ['OK', 'WRONG CODE', 1, 1],
    ['OK', 'FAILED BY CLIENT', 1, 1],
    ['INFORMATIONAL', 'UNCLEAN', 1, 1],
])('%s with close %s gives status %i, and %i when strict', (behavior, behaviorClose, loose, strict) => {
    expect(statusOf(behavior, behaviorClose, false)).toBe(loose);
    expect(statusOf(behavior, behaviorClose, true)).toBe(strict);
});
test('a selected case without a result is refused', () => {
    const report = runReport(agentReport('a', [caseResult('2.1')], ['2.1', '2.7']));
    const refused = refusals(report, { strict: false });
    expect(refused).toEqual([{ agent: 'a', id: '2.7', result: undefined }]);
    expect(exitStatus(report, refused)).toBe(1);
});
test('a run that nobody took part in has failed', () => {
    expect(exitStatus(runReport(), [])).toBe(1);
});
function earlier(behavior, behaviorClose, agent = 'a') {
    return new Map([[agent, new Map([['2.7', { behavior, behaviorClose }]])]]);
}
test.each([
    // Just as bad, or better.
    ['FAILED', 'OK', 'FAILED', 'OK', 0],
    ['FAILED', 'UNCLEAN', 'FAILED', 'OK', 0],
    ['FAILED', 'OK', 'OK', 'UNCLEAN', 0],
    ['OK', 'UNCLEAN', 'OK', 'WRONG CODE', 0],
    ['NON-STRICT', 'OK', 'NON-STRICT', 'OK', 0],
    ['UNIMPLEMENTED', 'OK', 'NON-STRICT', 'OK', 0],
    ['OK', 'OK', 'INFORMATIONAL', 'INFORMATIONAL', 0],
    // Worse.
    ['OK', 'OK', 'NON-STRICT', 'OK', 1],
    ['NON-STRICT', 'OK', 'UNIMPLEMENTED', 'OK', 1],
    ['UNIMPLEMENTED', 'OK', 'FAILED', 'OK', 1],
    ['OK', 'OK', 'OK', 'UNCLEAN', 1],
    ['FAILED', 'OK', 'FAILED', 'UNCLEAN', 1],
])('against a baseline of %s/%s, %s/%s gives status %i', (was, wasClose, is, isClose, status) => {
    expect(statusOf(is, isClose, false, earlier(was, wasClose))).toBe(status);
});
test('against a baseline a result that was there and is missing now is worse', () => {
    const report = runReport(agentReport('a', [], ['2.7']));
    expect(refusals(report, { strict: false, baseline: earlier('FAILED', 'OK') })).toHaveLength(1);
});
test('a case that the baseline does not know is judged as usual', () => {
    const report = runReport(agentReport('a', [caseResult('2.8', { behavior: 'FAILED' })]));
    expect(refusals(report, { strict: false, baseline: earlier('OK', 'OK') })).toHaveLength(1);
});
test('the only agent of a baseline stands for an agent with another name, one of several does not', () => {
    const one = earlier('FAILED', 'OK', 'ws/8.22');
    expect(statusOf('FAILED', 'OK', false, one)).toBe(0);
    expect(statusOf('FAILED', 'OK', false, new Map([...one, ...earlier('FAILED', 'OK', 'other')]))).toBe(1);
});
test('a baseline is read from index.json', () => {
    const text = '{"a": {"2.7": {"behavior": "OK", "behaviorClose": "UNCLEAN", "duration": 1, "remoteCloseCode": null}}}';
    expect(readBaseline(text)).toEqual(earlier('OK', 'UNCLEAN'));
});
test.each([
    ['[]', 'the baseline is not an object'],
    ['{"a": 1}', 'agent a of the baseline is not an object'],
    ['{"a": {"2.7": null}}', 'case 2.7 of the baseline is not an object'],
    ['{"a": {"2.7": {"behavior": "GOOD"}}}', 'the behavior of case 2.7 in the baseline is none of OK, NON-STRICT'],
    ['{"a": {"2.7": {"behavior": "OK"}}}', 'the behaviorClose of case 2.7 in the baseline is none of OK, FAILED'],
])('a baseline that is %s is refused', (text, message) => {
    expect(() => readBaseline(text)).toThrow(message);
});
