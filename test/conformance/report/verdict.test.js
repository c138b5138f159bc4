import { expect, test } from 'vitest';
import { reason } from '../../../src/conformance/report/verdict.js';
import { caseResult, excerpt } from '../../support/case-results.js';
const HELLO = { kind: 'message', payload: excerpt('Hello'), binary: false };
test('a case that received the wrong events says which', () => {
    const result = caseResult('1.1.1', { behavior: 'FAILED', expected: { OK: [HELLO] }, received: [] });
    expect(reason(result)).toBe("received [], expected [('message', 'Hello', False)]");
});
test('a case that a rule of its own judges says what the rule says', () => {
    const result = caseResult('9.1.1', { behavior: 'FAILED', expected: {}, result: 'Nothing came back in time.' });
    expect(reason(result)).toBe('Nothing came back in time');
});
test('a case whose events were right failed because of its close', () => {
    const result = caseResult('7.5.1', { behavior: 'FAILED', behaviorClose: 'WRONG CODE', remoteCloseCode: 1000 });
    result.expectedClose = { closedByMe: false, closeCode: [1002, 1007], requireClean: false };
    expect(reason(result)).toBe('closed with 1000, expected 1002 or 1007');
});
test('a case whose handshake never finished says so', () => {
    const result = caseResult('1.1.1', {
        behavior: 'FAILED',
        behaviorClose: 'FAILED',
        httpResponse: '?',
        resultClose: 'The opening handshake was never completed.',
        wasNotCleanReason: 'peer did not answer in time',
    });
    expect(reason(result)).toBe('The opening handshake was never completed (peer did not answer in time)');
});
test('an unclean close says what happened instead', () => {
    const result = caseResult('2.7', {
        behaviorClose: 'UNCLEAN',
        resultClose: 'The connection was not closed cleanly.',
        wasNotCleanReason: 'TCP was dropped',
    });
    expect(reason(result)).toBe('The connection was not closed cleanly (TCP was dropped)');
});
test('a NON-STRICT case says what a strict endpoint does', () => {
    const result = caseResult('6.4.1', {
        behavior: 'NON-STRICT',
        expected: { OK: [{ kind: 'timeout', tag: 'A' }], 'NON-STRICT': [] },
        received: [],
    });
    expect(reason(result)).toBe("received [], where a strict endpoint gives [('timeout', 'A')]");
});
test('a case without a result says that it has none', () => {
    expect(reason(undefined)).toMatch(/^no result/);
});
test('long events are cut', () => {
    const received = Array.from({ length: 20 }, () => HELLO);
    const result = caseResult('1.1.1', { behavior: 'FAILED', expected: { OK: [] }, received });
    expect(reason(result).length).toBeLessThan(150);
});
