import { describe, expect, test } from 'vitest';
import { areSubprotocols, parseSubprotocols } from '../../src/handshake/subprotocol.js';
import { growth } from '../support/growth.js';
import { outcome, wsInternals } from '../support/ws-internals.js';
describe('RFC 6455 11.3.4 Sec-WebSocket-Protocol', () => {
    test('11.3.4 keeps the order of the client', () => {
        expect([...(parseSubprotocols('mqtt, \tgraphql-ws ,x').value ?? [])]).toEqual(['mqtt', 'graphql-ws', 'x']);
    });
    test('11.3.4 every text of up to 6 characters of the grammar gives what ws gives, fault positions included', () => {
        const alphabet = ['a', 'b', ' ', ',', '"'];
        let texts = [''];
        for (let length = 0; length <= 6; length++) {
            for (const text of texts) {
                const theirs = outcome(() => [...wsInternals.subprotocol.parse(text)]);
                const { value, fault } = parseSubprotocols(text);
                const mine = value === undefined ? { fault } : { value: [...value] };
                if (JSON.stringify(mine) !== JSON.stringify(theirs))
                    expect({ text, ...mine }).toEqual({ text, ...theirs });
            }
            if (length < 6)
                texts = texts.flatMap((text) => alphabet.map((character) => text + character));
        }
    });
    test('4.1 refuses a name that comes twice, in the words of ws', () => {
        expect(parseSubprotocols('chat, superchat, chat').fault).toBe('The "chat" subprotocol is duplicated');
    });
    test('11.3.4 names of Object.prototype are names like others', () => {
        const names = Object.getOwnPropertyNames(Object.prototype);
        expect([...(parseSubprotocols(names.join(',')).value ?? [])]).toEqual(names);
    });
    test('11.3.4 reads 64 names and refuses 65', () => {
        const names = (count) => Array.from({ length: count }, (_, at) => `p${at}`).join(',');
        expect(parseSubprotocols(names(64)).value?.size).toBe(64);
        expect(parseSubprotocols(names(65)).fault).toBe('Too many subprotocols');
        expect(parseSubprotocols(names(65), Infinity).value?.size).toBe(65);
    });
    test.each([
        ['blanks', (n) => `a${' '.repeat(n)}b`],
        ['blanks and commas', (n) => `a${' ,'.repeat(n / 2)}`],
        ['blanks after a comma', (n) => `a,${' '.repeat(n)}`],
        ['names', (n) => Array.from({ length: n / 8 }, (_, at) => `p${1_000_000 + at}`).join(',')],
        ['one name', (n) => 'a'.repeat(n)],
    ])('11.3.4 takes time linear in the length: %s', (_, make) => {
        expect(growth((text) => parseSubprotocols(text, Infinity), make)).toBeLessThan(64);
    });
    test('4.1 a caller may ask for tokens, each once', () => {
        expect(areSubprotocols([])).toBe(true);
        expect(areSubprotocols(['a', 'b'])).toBe(true);
        for (const bad of [[''], ['a', 'a'], ['a b'], ['a,b'], ['a\r\nb'], [1], [undefined], ['é']]) {
            expect(areSubprotocols(bad)).toBe(false);
        }
    });
});
