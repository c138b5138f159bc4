import { expect, test } from 'vitest';
import { reason } from '../../../src/conformance/report/verdict.js';
import { caseResult, excerpt } from '../../support/case-results.js';

const HELLO = { kind: 'message', payload: excerpt('Hello'), binary: false } as const;

test('a case that received the wrong events says which', () => {
  const result = caseResult('1.1.1', { behavior: 'FAILED', expected: { OK: [HELLO] }, received: [] });
  expect(reason(result)).toBe("received [], expected [('message', 'Hello', False)]");
});

test('a case that a rule of its own judges says what it did and what the rule says', () => {
  const description = 'Sends a message. It is a long one.';
  const result = caseResult('9.1.1', { behavior: 'FAILED', description, expected: {}, result: 'Nothing came back.' });
  expect(reason(result)).toBe('Sends a message: Nothing came back');
});

test('a case that the testee closed before its time says with which code', () => {
  const result = caseResult('9.3.1', {
    behavior: 'FAILED',
    behaviorClose: 'FAILED',
    expected: {},
    description: 'Sends a message.',
    result: 'No message came back in time.',
    closedByMe: false,
    remoteCloseCode: 1008,
  });
  expect(reason(result)).toBe('Sends a message: No message came back in time; the testee closed with 1008');
});

test('a case whose events were right and which failed all the same says what the result says', () => {
  const result = caseResult('7.5.1', { behavior: 'FAILED', result: 'The close code was 1000; expected is 1007.' });
  expect(reason(result)).toBe('The close code was 1000; expected is 1007');
});

test('an unclean close says what happened instead', () => {
  const result = caseResult('2.7', {
    behaviorClose: 'UNCLEAN',
    resultClose: 'The connection was not closed cleanly.',
    wasNotCleanReason: 'TCP was dropped',
  });
  expect(reason(result)).toBe('The connection was not closed cleanly (TCP was dropped)');
});

test('what a close verdict says already is not said twice', () => {
  const result = caseResult('2.7', {
    behaviorClose: 'UNCLEAN',
    resultClose: 'Not clean: TCP was dropped',
    wasNotCleanReason: 'TCP was dropped',
  });
  expect(reason(result)).toBe('Not clean: TCP was dropped');
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
