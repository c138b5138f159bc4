import { expect, test } from 'vitest';
import { fileNames } from '../../../src/conformance/report/file-names.js';
import { caseJson, indexJson } from '../../../src/conformance/report/json.js';
import { agentReport, caseResult, excerpt, runReport } from '../../support/case-results.js';
import { RESULT } from '../../vectors/wslay-case-2.7.js';
const CLASSIC_FIELDS = 'agent behavior behaviorClose case closedByMe createStats createWirelog description droppedByMe duration expectation ' +
    'expected expectedClose failedByMe httpRequest httpResponse id isServer localCloseCode localCloseReason received ' +
    'remoteCloseCode remoteCloseReason reportCompressionRatio reportTime result resultClose rxFrameStats rxOctetStats started ' +
    'trafficStats txFrameStats txOctetStats wasClean wasCloseHandshakeTimeout wasNotCleanReason wasOpenHandshakeTimeout ' +
    'wasServerConnectionDropTimeout wirelog';
test('index.json has the five classic fields for each agent and case, 3 spaces deep, keys sorted as strings', () => {
    const report = runReport(agentReport('ws/8', [caseResult('2.2'), caseResult('2.10', { remoteCloseCode: null })]));
    expect(indexJson(report, fileNames(['ws/8']))).toBe(`{
   "ws/8": {
      "2.10": {
         "behavior": "OK",
         "behaviorClose": "OK",
         "duration": 0,
         "remoteCloseCode": null,
         "reportfile": "ws_8_case_2_10.json"
      },
      "2.2": {
         "behavior": "OK",
         "behaviorClose": "OK",
         "duration": 0,
         "remoteCloseCode": 1000,
         "reportfile": "ws_8_case_2_2.json"
      }
   }
}
`);
});
test('the JSON of a case has the 39 classic fields', () => {
    const text = caseJson(RESULT);
    expect(text.match(/^ {3}"(\w+)":/gm)?.map((key) => key.trim().slice(1, -2))).toEqual(CLASSIC_FIELDS.split(' '));
});
test('the JSON of a case says what the result says, events and log in their classic form', () => {
    const message = { kind: 'message', payload: excerpt('x'.repeat(65)), binary: false };
    const result = caseResult('1.1.1', { expected: { OK: [message] }, received: [message] });
    const read = JSON.parse(caseJson(result));
    const row = ['message', `${'x'.repeat(64)} ...`, false];
    const { wirelog, ...rest } = result;
    expect(read).toEqual({ ...rest, expected: { OK: [row] }, received: [row], wirelog: read.wirelog });
    expect(read.wirelog).toHaveLength(wirelog.length);
    expect(read.wirelog.slice(2, 4)).toEqual([
        ['TF', [0, ''], 10, true, 0, '93ff41f9', null, null, false],
        ['TO', [6, '8a8093ff41f9'], false],
    ]);
});
test('numbers as keys are sorted as strings', () => {
    const text = caseJson(caseResult('2.7', { rxOctetStats: { 4: 1, 129: 1 } }));
    expect(text).toMatch(/"129": 1,\n\s+"4": 1/);
});
test('an agent may call itself __proto__', () => {
    const report = runReport(agentReport('__proto__', [caseResult('2.7')]));
    expect(indexJson(report, fileNames(['__proto__']))).toContain('"__proto__": {\n      "2.7"');
});
