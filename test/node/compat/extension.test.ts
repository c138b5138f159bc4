// extension.parse and extension.format, held against those of `ws`.
import { describe, expect, it } from 'vitest';
import { extension, type WsConfigurations } from '../../../src/node/compat/extension.js';
import { outcome, wsInternals } from '../../support/ws-internals.js';

const HEADERS = [
  'foo',
  'foo; a',
  'foo;a=1;b="2";a',
  'foo; a, bar; b, foo; c',
  'foo; a="\\q\\u\\o"',
  'constructor; __proto__=1, __proto__; toString',
  'permessage-deflate; client_max_window_bits, permessage-deflate',
  '',
  ' foo',
  'foo ',
  'foo,',
  'foo;',
  'foo; a=',
  'foo; a="',
  'foo; a=""',
  'foo; a="b c"',
  'foo; a=b=c',
  'foo bar',
  'fö',
];

const CONFIGURATIONS: [string, WsConfigurations][] = [
  ['no extension', {}],
  ['one without parameters', { foo: {} }],
  ['several', { foo: { a: true, b: 1, c: 'x' }, bar: {} }],
  ['several of one name', { foo: [{ a: 1 }, {}, { b: [1, true, 'x'] }] }],
  ['an empty list', { foo: [], bar: {} }],
  ['false as a value', { foo: { a: false } }],
];

describe('extension', () => {
  it.each(HEADERS)('parse gives or throws for %j what that of ws does', (header) => {
    const theirs = outcome(() => wsInternals.extension.parse(header));
    expect(outcome(() => extension.parse(header))).toEqual(theirs);
    if ('fault' in theirs) expect(() => extension.parse(header)).toThrow(SyntaxError);
  });

  it('parse gives objects without a prototype', () => {
    const offers = extension.parse('foo; a');
    expect(Object.getPrototypeOf(offers)).toBeNull();
    expect(Object.getPrototypeOf(offers['foo'][0])).toBeNull();
  });

  it('parse takes any number of offers', () => {
    expect(extension.parse(Array.from({ length: 100 }, () => 'foo').join(', '))['foo']).toHaveLength(100);
  });

  it.each(CONFIGURATIONS)('format writes %s as that of ws does', (_what, configurations) => {
    expect(extension.format(configurations)).toBe(
      wsInternals.extension.format(configurations as Record<string, object | object[]>),
    );
  });
});
