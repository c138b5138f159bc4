import { describe, expect, test } from 'vitest';
import { violationError, VIOLATIONS } from '../../src/errors/violations.js';
import { Violation } from '../../src/spec/violation.js';
import { readDocument } from '../support/documents.js';

const ROWS = Object.values(VIOLATIONS);

describe('the table of violations', () => {
  test('7.4 every violation closes with a code that may be sent', () => {
    for (const { closeCode } of ROWS) expect([1002, 1007, 1008, 1009, 1011]).toContain(closeCode);
  });

  test('is the list of errors in docs/api.md, row by row', () => {
    const [, chapter] = /^### Errors of a peer$([^]*?)^### /m.exec(readDocument('docs/api.md'))!;
    const rows = Array.from(chapter.matchAll(/^- `[^`]+` \(\d[^]*?"$/gm), ([row]) => row.replaceAll(/\s+/g, ' '));
    expect(rows).toEqual(
      ROWS.map(
        ({ code, closeCode, text, section }) => `- \`${code}\` (${closeCode}, ${section}): "${text.replace('%', 'N')}"`,
      ),
    );
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
