import { expect, test } from 'vitest';
import { fileNames } from '../../../src/conformance/report/file-names.js';
test('names follow the classic pattern', () => {
    expect(fileNames([' Ws/8.23.0 ']).case(' Ws/8.23.0 ', '6.12.8', 'html')).toBe('ws_8_23_0_case_6_12_8.html');
});
test('agents whose names come out the same get files of their own', () => {
    const agents = ['ws/8', 'ws-8', 'ws_8_2', 'ws 8'];
    const files = fileNames(agents);
    const names = agents.map((agent) => files.case(agent, '1.1.1', 'json'));
    expect(names).toEqual([
        'ws_8_case_1_1_1.json',
        'ws_8_2_case_1_1_1.json',
        'ws_8_2_2_case_1_1_1.json',
        'ws_8_3_case_1_1_1.json',
    ]);
});
test('no name of an agent leaves the directory or is too long for a file', () => {
    const agents = ['../../etc/passwd', 'x'.repeat(1000), ''];
    const files = fileNames(agents);
    for (const agent of agents)
        expect(files.case(agent, '1.1.1', 'json')).toMatch(/^[a-z0-9_]{0,140}\.json$/);
});
