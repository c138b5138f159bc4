import { expect, test } from 'vitest';
import { isTurnedAway } from '../../src/conformance/capacity.js';

test.each([
  ['a status other than 101', 'HTTP/1.1 503 Busy\r\n\r\n', false, true],
  ['an end without an answer', '?', false, true],
  ['no answer in time', '?', true, false],
  ['an open connection', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', false, false],
])('%s is a refusal of one connection too many, or is not', (_, httpResponse, isLate, may) => {
  expect(isTurnedAway({ httpResponse, wasOpenHandshakeTimeout: isLate })).toBe(may);
});
