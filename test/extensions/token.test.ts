import { describe, expect, test } from 'vitest';
import { TokenReader, isToken } from '../../src/extensions/token.js';

describe('RFC 7230 3.2.6 tokens', () => {
  test('3.2.6 exactly the 77 token characters make a token', () => {
    const accepted = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code)).filter(isToken);
    expect(accepted.join('')).toBe("!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
  });

  test('3.2.6 a text is a token only as a whole', () => {
    expect(['', ' a', 'a ', 'a b', 'a,b', 'a\0', 'é', 'a\r\nb'].filter(isToken)).toEqual([]);
    expect(isToken('permessage-deflate')).toBe(true);
  });
});

describe('RFC 6455 9.1 quoted values', () => {
  const quoted = (text: string): string => {
    const reader = new TokenReader(text);
    return reader.quoted() || reader.fault;
  };

  test('9.1 a quoted value is unescaped and must be a token', () => {
    expect(quoted('abc"')).toBe('abc');
    expect(quoted('\\a\\bc"')).toBe('abc');
    expect(quoted('"')).toBe('Unexpected character at index 0');
    expect(quoted('a b"')).toBe('Unexpected character at index 1');
    expect(quoted('a\\,"')).toBe('Unexpected character at index 2');
    expect(quoted('a')).toBe('Unexpected end of input');
    expect(quoted('a\\')).toBe('Unexpected end of input');
  });
});
