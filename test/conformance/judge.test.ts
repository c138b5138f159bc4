import { describe, expect, test } from 'vitest';
import { CLEAN, expect as events, failed, type Outcome, type ReceivedEvent } from '../../src/conformance/case.js';
import { isCloseCode, noFacts, type ClosingFacts } from '../../src/conformance/facts.js';
import { judgeClose, judgeEvents } from '../../src/conformance/judge.js';
import { mayBeSent } from '../support/close-codes.js';

const hello: ReceivedEvent = { kind: 'message', payload: Buffer.from('hello'), binary: false };
const pong: ReceivedEvent = { kind: 'pong', payload: Buffer.from('x') };

describe('events', () => {
  const outcomes: Outcome[] = [
    { behavior: 'OK', events: [events.text('hello'), events.pong('x')], close: CLEAN },
    { behavior: 'NON-STRICT', events: [], close: failed(1002) },
  ];

  test.each([
    [[hello, pong], 'OK'],
    [[], 'NON-STRICT'],
    [[pong, hello], 'FAILED'],
    [[hello], 'FAILED'],
    [[hello, pong, pong], 'FAILED'],
    [[{ ...hello, binary: true }, pong], 'FAILED'],
    [[hello, { ...pong, payload: Buffer.from('y') }], 'FAILED'],
    [[{ kind: 'timeout', tag: 'A' }], 'FAILED'],
  ] as [ReceivedEvent[], string][])('%j are %s', (received, behavior) => {
    expect(judgeEvents(received, outcomes).behavior).toBe(behavior);
  });

  test('expected events may be a repeated unit', () => {
    const long: Outcome = {
      behavior: 'OK',
      events: [events.binary({ unit: Buffer.from('ab'), length: 5 })],
      close: CLEAN,
    };
    const received: ReceivedEvent = { kind: 'message', payload: Buffer.from('ababa'), binary: true };
    expect(judgeEvents([received], [long]).behavior).toBe('OK');
  });
});

describe('closing: the first rule that applies decides', () => {
  const clean: Partial<ClosingFacts> = { closedByMe: true, wasClean: true, remoteCloseCode: 1000 };

  test.each([
    ['all is well', clean, CLEAN, false, 'OK'],
    ['no code at all', { ...clean, remoteCloseCode: null }, CLEAN, false, 'OK'],
    ['the wrong side', { ...clean, closedByMe: false }, CLEAN, false, 'FAILED'],
    ['the wrong side before anything else', { closedByMe: false, droppedByMe: true }, CLEAN, false, 'FAILED'],
    ['not clean', { ...clean, wasClean: false }, CLEAN, false, 'UNCLEAN'],
    ['not clean before the code', { ...clean, wasClean: false, remoteCloseCode: 1001 }, CLEAN, false, 'UNCLEAN'],
    ['another code', { ...clean, remoteCloseCode: 1001 }, CLEAN, false, 'WRONG CODE'],
    ['dropped by the examiner as client', { ...clean, droppedByMe: true }, CLEAN, false, 'FAILED BY CLIENT'],
    ['dropped by the examiner as server', { ...clean, droppedByMe: true }, CLEAN, true, 'OK'],
    ['dropped by the testee where it may', {}, failed(1002), false, 'OK'],
  ] as const)('%s', (_, facts, expected, isServer, verdict) => {
    expect(judgeClose({ ...noFacts(), ...facts }, expected, isServer).behaviorClose).toBe(verdict);
  });
});

test('7.4 codes that may stand in a close frame, as src/conformance/facts.ts knows them', () => {
  for (let code = 0; code < 0x10000; code++) expect(isCloseCode(code), `${code}`).toBe(mayBeSent(code));
});
