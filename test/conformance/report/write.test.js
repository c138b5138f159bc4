import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkWritable, reportFiles, writeReport, writeWhole } from '../../../src/conformance/report/write.js';
import { agentReport, caseResult, runReport } from '../../support/case-results.js';
let directory = '';
beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wsimd-report-'));
});
afterEach(async () => {
    await rm(directory, { recursive: true });
});
const REPORT = runReport(agentReport('ws', [caseResult('2.1'), caseResult('2.7')]), agentReport('wslay', [caseResult('2.7')], ['2.1', '2.7']));
test('a run becomes an index and two files for each result, the index last', () => {
    expect([...reportFiles(REPORT)].map(([name]) => name)).toEqual([
        'ws_case_2_1.json',
        'ws_case_2_1.html',
        'ws_case_2_7.json',
        'ws_case_2_7.html',
        'wslay_case_2_7.json',
        'wslay_case_2_7.html',
        'index.html',
        'index.json',
    ]);
});
test('pages of a case know their neighbours and the other agents', () => {
    const pages = new Map(reportFiles(REPORT));
    expect(pages.get('ws_case_2_7.html')).toContain('<a rel="prev" href="ws_case_2_1.html">');
    expect(pages.get('ws_case_2_7.html')).toContain('<a href="wslay_case_2_7.html">wslay</a>');
    expect(pages.get('ws_case_2_1.html')).not.toContain('wslay');
});
test('the directory is made, and holds nothing but the report', async () => {
    const target = join(directory, 'deep', 'report');
    await writeReport(REPORT, target);
    expect((await readdir(target)).sort()).toEqual([...reportFiles(REPORT)].map(([name]) => name).sort());
});
test('a later run replaces the index and leaves files that are not its own', async () => {
    await writeFile(join(directory, 'notes.txt'), 'mine');
    await writeReport(REPORT, directory);
    await writeReport(runReport(agentReport('other', [caseResult('1.1.1')])), directory);
    expect(await readFile(join(directory, 'notes.txt'), 'utf8')).toBe('mine');
    const index = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8'));
    expect(Object.keys(index)).toEqual(['other']);
});
test('a report that cannot be finished leaves what was there', async () => {
    await writeReport(REPORT, directory);
    const before = await readdir(directory);
    const broken = runReport(agentReport('ws', [caseResult('2.1'), caseResult('2.7')]));
    Object.defineProperty(broken.agents[0].results.get('2.7'), 'wirelog', {
        get: () => {
            throw new Error('broken');
        },
    });
    await expect(writeReport(broken, directory)).rejects.toThrow('broken');
    expect(await readdir(directory)).toEqual(before);
    const index = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8'));
    expect(Object.keys(index)).toEqual(['ws', 'wslay']);
});
test('one file is written whole, into a directory that is made', async () => {
    await writeWhole(join(directory, 'ci', 'junit.xml'), '<a/>');
    expect(await readdir(join(directory, 'ci'))).toEqual(['junit.xml']);
    expect(await readFile(join(directory, 'ci', 'junit.xml'), 'utf8')).toBe('<a/>');
});
test('whether a directory can be written is asked without making it', async () => {
    await writeFile(join(directory, 'file'), '');
    await checkWritable(join(directory, 'new', 'deep'));
    await expect(checkWritable(join(directory, 'file'))).rejects.toThrow('is not a directory');
    await expect(checkWritable(join(directory, 'file', 'deep'))).rejects.toThrow();
    expect(await readdir(directory)).toEqual(['file']);
});
