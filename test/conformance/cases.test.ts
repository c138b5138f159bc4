import { expect, test } from 'vitest';
import { ALL_CASES, CLASSIC_CASES } from '../../src/conformance/cases/index.js';
import { RULES, ruleOf } from '../../src/conformance/cases/rules.js';
import { GROUP_TITLES, SUBGROUP_TITLES } from '../../src/conformance/cases/titles.js';
import { caseNumber, selectCases } from '../../src/conformance/select.js';
import { mayBeSent, SENT_CODES } from '../support/close-codes.js';

const groupOf = (id: string): string => id.split('.')[0];

test('there are the 517 classic cases, group by group, and our own behind them', () => {
  const counts: Record<string, number> = {};
  for (const { id } of CLASSIC_CASES) counts[groupOf(id)] = (counts[groupOf(id)] ?? 0) + 1;
  expect(counts).toEqual({ 1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1, 12: 90, 13: 126 });
  expect(ALL_CASES.slice(0, 517)).toEqual(CLASSIC_CASES);
  expect(new Set(ALL_CASES.slice(517).map(({ id }) => groupOf(id)))).toEqual(new Set(['H', 'D', 'S']));
});

test('ids are unique, ascend by their numbers, and have titles', () => {
  expect(new Set(ALL_CASES.map(({ id }) => id)).size).toBe(ALL_CASES.length);
  const key = (id: string): string =>
    id
      .split('.')
      .map((part) => part.padStart(3, '0'))
      .join('.');
  const classic = CLASSIC_CASES.map(({ id }) => key(id));
  expect(classic).toEqual([...classic].sort());
  for (const { id } of ALL_CASES) {
    const parts = id.split('.');
    expect(GROUP_TITLES[parts[0]]).toBeDefined();
    if (parts.length === 3) expect(SUBGROUP_TITLES[parts.slice(0, 2).join('.')], id).toBeDefined();
  }
});

test('every case says what it sends and what it expects, in plain text', () => {
  for (const { id, description, expectation } of ALL_CASES) {
    expect(description, id).toMatch(/^[A-Z][^<>]*\.$/s);
    expect(expectation, id).toMatch(/^[A-Z][^<>]*[.?)]$/s);
  }
});

test('a selection is by id or by the beginning of an id, in the order of the list', () => {
  const ids = (cases: string[], exclude: string[] = []): string[] =>
    selectCases({ cases, exclude }, 'server').map(({ id }) => id);
  expect(ids(['2.7', '1.1.2', '1.1.1'])).toEqual(['1.1.1', '1.1.2', '2.7']);
  expect(ids(['2.*'])).toHaveLength(11);
  expect(ids(['1*'])).toHaveLength(16 + 1 + 90 + 126);
  expect(ids(['2.*'], ['2.1*'])).not.toContain('2.10');
  expect(selectCases({}, 'client').some(({ testee }) => testee === 'server')).toBe(false);
  expect(caseNumber(CLASSIC_CASES[516])).toBe(517);
});

test('7.4 cases/closing.ts and S.7 of cases/content.ts send each code that may be sent, and none of these as a wrong one', () => {
  const sent = ALL_CASES.flatMap(({ id, description }) => {
    const code = /^Sends a close frame with the (?:valid )?code (\d+)/.exec(description);
    return code === null ? [] : [{ id, code: Number(code[1]), isWrong: description.includes('must not stand in one') }];
  });
  expect(sent.filter(({ code, isWrong }) => isWrong && mayBeSent(code))).toEqual([]);
  expect(SENT_CODES.filter((code) => !sent.some((one) => one.code === code))).toEqual([]);
});

test('each case of our own cites the sentence that it judges by, and fails nothing that an RFC leaves free', () => {
  const used = new Set<string>();
  for (const { id, exam } of ALL_CASES.slice(517)) {
    const rule = ruleOf(id);
    expect(rule, id).toBeDefined();
    used.add(id in RULES ? id : id.slice(0, id.lastIndexOf('.') + 1));
    const { section, force, says } = rule!;
    expect(section, id).toMatch(/^RFC (6455|7692) \d+(\.\d+)*$/);
    expect(says.length, id).toBeGreaterThan(30);
    if (force === 'MUST' || force === 'SHOULD') continue;
    // MAY and nothing: what is not OK is INFORMATIONAL or NON-STRICT, and no code is demanded.
    if (exam.kind === 'refusal') expect(exam.accepted, id).not.toBe('FAILED');
    else if (exam.kind === 'script' && exam.informational === undefined && exam.refused === undefined) {
      expect(
        exam.outcomes.map(({ behavior }) => behavior),
        id,
      ).toContain('NON-STRICT');
      expect(exam.outcomes[0].close.closeCode, id).toEqual([]);
    }
  }
  expect([...used].sort()).toEqual(Object.keys(RULES).sort());
  expect(CLASSIC_CASES.every(({ id }) => ruleOf(id) === undefined)).toBe(true);
});
