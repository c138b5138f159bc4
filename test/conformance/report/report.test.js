import { expect, test } from 'vitest';
import { allCases, byGroup, compareCaseIds, standingOf, tally } from '../../../src/conformance/report/report.js';
import { agentReport, caseResult, runReport } from '../../support/case-results.js';
test.each([
    ['OK', 'OK', 'ok'],
    ['NON-STRICT', 'OK', 'nonStrict'],
    ['INFORMATIONAL', 'INFORMATIONAL', 'informational'],
    ['UNIMPLEMENTED', 'OK', 'unimplemented'],
    ['OK', 'UNCLEAN', 'closeFault'],
    ['UNIMPLEMENTED', 'WRONG CODE', 'closeFault'],
    ['FAILED', 'OK', 'failed'],
    ['FAILED', 'FAILED BY CLIENT', 'failed'],
])('%s with close %s stands as %s', (behavior, behaviorClose, standing) => {
    expect(standingOf({ behavior, behaviorClose })).toBe(standing);
});
test('a case without a result is missing', () => {
    expect(standingOf(undefined)).toBe('missing');
    expect(tally(agentReport('a', [caseResult('1.1.1')], ['1.1.1', '1.1.2']), ['1.1.1', '1.1.2'])).toMatchObject({
        ok: 1,
        missing: 1,
    });
});
test('cases are ordered by group and number, our own groups last', () => {
    const ids = ['S.1.1', '10.1.1', '2.10', 'H.2.1', '2.2', '1.1.1', 'D.1.1', '6.12.8'];
    expect([...ids].sort(compareCaseIds)).toEqual([
        '1.1.1',
        '2.2',
        '2.10',
        '6.12.8',
        '10.1.1',
        'H.2.1',
        'D.1.1',
        'S.1.1',
    ]);
});
test('the cases of a run are those of all agents, once each', () => {
    const report = runReport(agentReport('a', [caseResult('2.2')]), agentReport('b', [caseResult('2.1'), caseResult('2.2')]));
    expect(allCases(report)).toEqual(['2.1', '2.2']);
    expect([...byGroup(['1.1.1', '2.1', '2.2'])]).toEqual([
        ['1', ['1.1.1']],
        ['2', ['2.1', '2.2']],
    ]);
});
