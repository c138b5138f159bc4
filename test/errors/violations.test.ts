import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { violationError, VIOLATIONS } from '../../src/errors/violations.js';
import { Violation } from '../../src/spec/violation.js';

const ROWS = Object.values(VIOLATIONS);

describe('the table of violations', () => {
  test('7.4 every violation closes with a code that may be sent', () => {
    for (const { closeCode } of ROWS) expect([1002, 1007, 1008, 1009, 1011]).toContain(closeCode);
  });

  test('is the list of errors in the README, row by row', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const rows = readme
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    for (const { code, closeCode, text, section } of ROWS) {
      expect(rows).toContainEqual([`\`${code}\``, `${closeCode}`, text.replace('%', 'N'), section]);
    }
  });

  test('makes errors with the code, the close code and the number that was wrong', () => {
    const opcode = violationError(Violation.InvalidOpcode, 11);
    expect(opcode).toBeInstanceOf(RangeError);
    expect(opcode).toMatchObject({
      code: 'WS_ERR_INVALID_OPCODE',
      closeCode: 1002,
      message: 'Invalid WebSocket frame: invalid opcode 11',
    });
    expect(violationError(Violation.InvalidUtf8)).not.toBeInstanceOf(RangeError);
  });
});
