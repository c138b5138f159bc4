import { expect, test } from 'vitest';
import { pythonCell, pythonEvents, pythonLiteral, pythonOutcomes } from '../../../src/conformance/report/python.js';
import { excerpt } from '../../support/case-results.js';
test.each([
    [true, 'True'],
    [false, 'False'],
    [null, 'None'],
    [1000, '1000'],
    ['plain', "'plain'"],
    ["it's", '"it\'s"'],
    [`"it's"`, `'"it\\'s"'`],
    ['a\\b\r\n\t', "'a\\\\b\\r\\n\\t'"],
    ['\u0000\u007f\u00a0\u202e', "'\\x00\\x7f\u00a0\\u202e'"],
    ['\u00fc \u{1f600} \u{e0001}', "'\u00fc \u{1f600} \\U000e0001'"],
])('%j is %s', (value, literal) => {
    expect(pythonLiteral(value)).toBe(literal);
});
test('strings stand in the closing table without quotes', () => {
    expect(pythonCell('Going Away')).toBe('Going Away');
    expect(pythonCell(null)).toBe('None');
});
test('events are lists of tuples and outcomes a dictionary', () => {
    const message = { kind: 'message', payload: excerpt('Hello'), binary: false };
    const pong = { kind: 'pong', payload: excerpt('') };
    const timeout = { kind: 'timeout', tag: 'A' };
    expect(pythonEvents([message, pong, timeout])).toBe("[('message', 'Hello', False), ('pong', ''), ('timeout', 'A')]");
    expect(pythonOutcomes({ OK: [], 'NON-STRICT': [timeout] })).toBe("{'OK': [], 'NON-STRICT': [('timeout', 'A')]}");
    expect(pythonOutcomes({})).toBe('{}');
});
