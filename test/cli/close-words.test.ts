import { expect, test } from 'vitest';
import { explainClose } from '../../src/cli/tool/close-words.js';
import { CloseCode } from '../../src/spec/close-code.js';

const WITHOUT_NAME = ['a code without a meaning', explainClose(3999), explainClose(4999)];

test('7.4 each code that `CloseCode` names has words of its own, those from 3000 too', () => {
  const codes = Object.values(CloseCode).filter((code) => typeof code === 'number');
  const words = codes.map(explainClose);
  expect(words.filter((said) => WITHOUT_NAME.includes(said))).toEqual([]);
  expect(new Set(words).size).toBe(codes.length);
});

test('7.4.2 a code without a name is told by its range', () => {
  expect([999, 1004, 2999, 5000].map(explainClose)).toEqual(Array(4).fill('a code without a meaning'));
  expect(explainClose(3999)).toBe('a code registered by a library or framework');
  expect(explainClose(4999)).toBe("a code of the application's own");
});
