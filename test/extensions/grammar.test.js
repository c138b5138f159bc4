import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatExtension, parseExtensions } from '../../src/extensions/grammar.js';
import { growth } from '../support/growth.js';
import { outcome, wsInternals } from '../support/ws-internals.js';
/** The shape of `ws`: a map of names to lists of maps of parameters to lists of values. */
function inShapeOfWs(offers) {
    const push = (map, name, element) => {
        (map[name] ??= []).push(element);
    };
    const grouped = Object.create(null);
    for (const { name, params } of offers) {
        const values = Object.create(null);
        for (const param of params)
            push(values, param.name, param.value);
        push(grouped, name, values);
    }
    return grouped;
}
function ours(header) {
    const parsed = parseExtensions(header, Infinity);
    return parsed.value === undefined ? { fault: parsed.fault } : { value: inShapeOfWs(parsed.value) };
}
describe('RFC 6455 9.1 Sec-WebSocket-Extensions', () => {
    test('9.1 lists extensions and parameters in order, repeated ones too', () => {
        expect(parseExtensions('a, b; c;d=1 ; c="2" ,a;\te="\\x\\y"')).toEqual({
            value: [
                { name: 'a', params: [] },
                {
                    name: 'b',
                    params: [
                        { name: 'c', value: true },
                        { name: 'd', value: '1' },
                        { name: 'c', value: '2' },
                    ],
                },
                { name: 'a', params: [{ name: 'e', value: 'xy' }] },
            ],
        });
    });
    test('9.1 names of Object.prototype are names like others', () => {
        for (const name of Object.getOwnPropertyNames(Object.prototype)) {
            expect(parseExtensions(`${name}; ${name}=${name}`)).toEqual({
                value: [{ name, params: [{ name, value: name }] }],
            });
        }
        expect(Object.keys({})).toEqual([]);
        expect({}.x).toBeUndefined();
    });
    test('9.1 reads 16 offers and refuses 17', () => {
        expect(parseExtensions(Array(16).fill('a').join(',')).value).toHaveLength(16);
        expect(parseExtensions(Array(17).fill('a').join(',')).fault).toBe('Too many extension offers');
        expect(parseExtensions(Array(17).fill('a').join(','), Infinity).value).toHaveLength(17);
    });
    test.each(['', 'a;b=', 'a;b="c'])('9.1 %j followed by any 5 characters of the grammar gives what ws gives, fault positions included', (start) => {
        const alphabet = ['a', ' ', ';', ',', '=', '"', '\\', 'é'];
        let texts = [start];
        for (let length = 0; length <= 5; length++) {
            for (const text of texts) {
                const theirs = outcome(() => wsInternals.extension.parse(text));
                const mine = ours(text);
                // Comparing as text first keeps 100,000 comparisons quick.
                if (JSON.stringify(mine) !== JSON.stringify(theirs))
                    expect({ text, ...mine }).toEqual({ text, ...theirs });
            }
            if (length < 5)
                texts = texts.flatMap((text) => alphabet.map((character) => text + character));
        }
    });
    test('9.1 longer texts give what ws gives', () => {
        const piece = fc.constantFrom('a', 'b', 'permessage-deflate', '; ', ';', ', ', ',', '=', '="', '"', '\\', '\t', ' ', '/');
        fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
            const text = pieces.join('');
            expect(ours(text)).toEqual(outcome(() => wsInternals.extension.parse(text)));
        }), { numRuns: 3000 });
    });
    test.each([
        ['blanks', (n) => `a${' '.repeat(n)}b`],
        ['parameters', (n) => `a${';b'.repeat(n / 2)}`],
        ['escapes', (n) => `a;b="${'\\c'.repeat(n / 2)}"`],
        ['an open quote', (n) => `a;b="${'c'.repeat(n)}`],
        ['offers', (n) => `${'a,'.repeat(n / 2)}a`],
        ['one name', (n) => 'a'.repeat(n)],
    ])('9.1 takes time linear in the length: %s', (_, make) => {
        expect(growth((text) => parseExtensions(text, Infinity), make)).toBeLessThan(64);
    });
    test('9.1 writes what it can read', () => {
        const text = 'permessage-deflate; server_no_context_takeover; client_max_window_bits=10';
        const { value = [] } = parseExtensions(text);
        expect(value.map(formatExtension)).toEqual([text]);
        expect(formatExtension(value[0])).toBe(wsInternals.extension.format({
            'permessage-deflate': { server_no_context_takeover: true, client_max_window_bits: 10 },
        }));
    });
});
