// subprotocol.parse, held against that of `ws`.
import { describe, expect, it } from 'vitest';
import { subprotocol } from '../../../src/node/compat/subprotocol.js';
import { outcome, wsInternals } from '../../support/ws-internals.js';

const HEADERS = [
  'a',
  'b,a',
  'a , b\t,\tc',
  '',
  ' ',
  ' a',
  'a ',
  ',a',
  'a,',
  'a,,b',
  'a b',
  'a;b',
  'a,a',
  'a, b, a',
  'é',
];

describe('subprotocol.parse', () => {
  it.each(HEADERS)('gives or throws for %j what that of ws does', (header) => {
    const theirs = outcome(() => [...wsInternals.subprotocol.parse(header)]);
    expect(outcome(() => [...subprotocol.parse(header)])).toEqual(theirs);
    if ('fault' in theirs) expect(() => subprotocol.parse(header)).toThrow(SyntaxError);
  });

  it('takes any number of names', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `n${i}`);
    expect([...subprotocol.parse(names.join(', '))]).toEqual(names);
  });
});
