import { expect, test } from 'vitest';
import { reason } from '../../../src/conformance/report/verdict.js';
import { caseResult, excerpt } from '../../support/case-results.js';

const HELLO = { kind: 'message', payload: excerpt('Hello'), binary: false } as const;

test('a case that received the wrong events says which', () => {
  const result = caseResult('1.1.1', { behavior: 'FAILED', expected: { OK: [HELLO] }, received: [] });
  expect(reason(result)).toBe('received nothing, expected text "Hello"');
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

test('a NON-STRICT case says what its expectation calls so', () => {
  const expectation = 'The testee fails the connection. To notice it only at the end is non-strict.';
  const result = caseResult('6.4.1', { behavior: 'NON-STRICT', expectation });
  expect(reason(result)).toBe('To notice it only at the end is non-strict');
});

test('a NON-STRICT case whose expectation does not, says what it received', () => {
  const result = caseResult('6.4.1', {
    behavior: 'NON-STRICT',
    expected: { OK: [{ kind: 'timeout', tag: 'A' }], 'NON-STRICT': [] },
    received: [],
  });
  expect(reason(result)).toBe('received nothing, expected the end of pause A');
});

test('a case without a handshake says why there was none', () => {
  const result = caseResult('1.1.1', {
    behavior: 'FAILED',
    result: 'Nothing could be examined: the connection was refused.',
    resultClose: 'The WebSocket opening handshake was never completed!',
  });
  expect(reason(result)).toBe('Nothing could be examined: the connection was refused');
});

test('a case without a result says that it has none', () => {
  expect(reason(undefined)).toMatch(/^no result/);
});

test('events are named by sort and payload; long ones by their length, many by their number', () => {
  const long = excerpt('*'.repeat(65_536));
  const bytes = { length: 2, head: new Uint8Array([0xfe, 0xff]) };
  const received = [
    { kind: 'message', payload: long, binary: true },
    { kind: 'pong', payload: bytes },
    { kind: 'pong', payload: excerpt('') },
    HELLO,
  ] as const;
  const result = caseResult('1.1.1', { behavior: 'FAILED', expected: { OK: [] }, received: [...received] });
  expect(reason(result)).toBe(
    'received binary of 65536 bytes, pong 0xfeff, pong without payload and 1 more, expected nothing',
  );
});

test('events that differ only in what is not shown are said to differ', () => {
  const stars = { ...HELLO, payload: excerpt('*'.repeat(301)) };
  const others = { ...HELLO, payload: excerpt('+'.repeat(301)) };
  const result = caseResult('1.1.1', { behavior: 'FAILED', expected: { OK: [stars] }, received: [others] });
  expect(reason(result)).toBe('received text of 301 bytes, but with other content than expected');
});
