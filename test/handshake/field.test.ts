import { describe, expect, test } from 'vitest';
import { countRaw, fieldLine, joinHead, listsToken, textOf } from '../../src/handshake/field.js';

const CHARACTERS = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

describe('C09 lines of a head', () => {
  test('RFC 7230 3.2 a value takes every byte but control characters, at every place', () => {
    const taken = (make: (character: string) => string): string[] =>
      CHARACTERS.filter((character) => {
        try {
          return fieldLine('X-Name', make(character)) !== '';
        } catch (error) {
          const message = 'Invalid character in header content ["X-Name"]';
          expect(error).toMatchObject({ code: 'ERR_INVALID_CHAR', message });
          return false;
        }
      });
    const allowed = CHARACTERS.filter((_, code) => code === 9 || (code >= 32 && code !== 127));
    for (const make of [(c: string) => `${c}bc`, (c: string) => `a${c}c`, (c: string) => `ab${c}`]) {
      expect(taken(make)).toEqual(allowed);
    }
  });

  test('RFC 7230 3.2.6 a name must be a token', () => {
    expect(fieldLine('X-Name', 'value')).toBe('X-Name: value');
    for (const name of ['', 'a b', 'a:', 'a\r\nb', 'é', 'a\0']) {
      const message = `Header name must be a valid HTTP token ["${name}"]`;
      expect(() => fieldLine(name, 'value')).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_HTTP_TOKEN', message }),
      );
    }
  });

  test('RFC 7230 9.4 a head never has more lines than it was given', () => {
    expect(joinHead(['HTTP/1.1 101 Switching Protocols', 'A: b'])).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n',
    );
    for (const character of CHARACTERS.slice(0, 32)) {
      if (character === '\t') continue;
      for (const line of [`${character}A: b`, `A: ${character}b`, `A: b${character}`]) {
        const message = `Invalid character in header line [${JSON.stringify(line)}]`;
        expect(() => joinHead(['HTTP/1.1 200 OK', line])).toThrow(
          expect.objectContaining({ code: 'ERR_INVALID_CHAR', message }),
        );
      }
    }
    expect(() => joinHead(['HTTP/1.1 200 OK', '', 'A: b'])).toThrow(TypeError);
  });
});

describe('reading fields', () => {
  test('RFC 7230 3.2.2 repeated fields are one list', () => {
    expect([textOf('a'), textOf(13), textOf(['a', 'b']), textOf(undefined)]).toEqual(['a', '13', 'a, b', undefined]);
  });

  test('RFC 7230 7 a token is found in a list, whatever its case', () => {
    for (const text of ['upgrade', 'Upgrade', 'keep-alive, UPGRADE', 'a,,\tupgrade ,b', ', upgrade']) {
      expect(listsToken(text, 'upgrade')).toBe(true);
    }
    for (const text of [
      '',
      'upgrades',
      'up grade',
      '"upgrade"',
      'upgrade/1',
      'upgrade\u00a0',
      'upgrade;q=1',
      'close',
    ]) {
      expect(listsToken(text, 'upgrade')).toBe(false);
    }
  });

  test('raw headers are counted whatever their case, and values are not taken for names', () => {
    expect(countRaw(['Host', 'a', 'X', 'host', 'hOST', 'b'], 'host')).toBe(2);
    expect(countRaw([], 'host')).toBe(0);
  });
});
