import { describe, expect, test } from 'vitest';
import { createRequest, judgeResponse, writeRequest } from '../../src/handshake/client.js';
import { ResponseReader } from '../../src/handshake/head-reader.js';
import {
  ACCEPT,
  DEFLATE,
  EXTENSIONS,
  KEY,
  PROTOCOL,
  ROWS,
  UPGRADE,
  expectationOf,
  octets,
  write,
} from './responses.js';
import type { Row } from './responses.js';

function judge(row: Row, chunks: readonly Uint8Array[]): string | undefined {
  const reader = new ResponseReader();
  for (const chunk of chunks) {
    const { head, error } = reader.push(chunk);
    if (error !== undefined) return error.message;
    if (head === undefined) continue;
    const judged = judgeResponse(head, expectationOf(row));
    return judged.agreed ? undefined : judged.message;
  }
  return 'no whole head';
}

describe('RFC 6455 4.1 the client judges a response', () => {
  test('4.1 the table holds at least 60 malformed responses', () => {
    expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
    expect(ROWS.filter(({ message }) => message !== undefined).length).toBeGreaterThanOrEqual(60);
  });

  test('C15 every response is judged the same whole, byte by byte and cut at every place', () => {
    for (const row of ROWS) {
      const wire = octets(write(row, ACCEPT));
      expect({ name: row.name, message: judge(row, [wire]) }).toEqual({ name: row.name, message: row.message });
      expect(
        judge(
          row,
          Array.from(wire, (octet) => Uint8Array.of(octet)),
        ),
      ).toBe(row.message);
      for (let cut = 0; cut <= wire.length; cut++) {
        if (judge(row, [wire.subarray(0, cut), wire.subarray(cut)]) !== row.message) throw new Error(`cut at ${cut}`);
      }
    }
  });

  test('4.1 an agreement names the subprotocol and what was agreed about compression', () => {
    const row: Row = {
      name: 'agreement',
      protocols: ['a', 'b'],
      fields: { [PROTOCOL]: 'b', [EXTENSIONS]: `${DEFLATE}; server_max_window_bits=9; client_no_context_takeover` },
      message: undefined,
    };
    const { head } = new ResponseReader().push(octets(write(row, ACCEPT)));
    if (head === undefined) throw new Error('no head');
    expect(judgeResponse(head, { ...expectationOf(row), deflate: { clientMaxWindowBits: 12 } })).toEqual({
      agreed: true,
      protocol: 'b',
      deflate: {
        serverNoContextTakeover: false,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 9,
        clientMaxWindowBits: 12,
      },
    });
    const { head: plain } = new ResponseReader().push(octets(write({ name: '', message: undefined }, ACCEPT)));
    if (plain === undefined) throw new Error('no head');
    expect(judgeResponse(plain, { key: KEY })).toEqual({ agreed: true, protocol: '', deflate: undefined });
  });

  test('C01 a response without any field fails, and nothing throws', () => {
    expect(judgeResponse({ headers: {} }, { key: KEY })).toMatchObject({ agreed: false });
    expect(judgeResponse({ statusCode: 101, headers: {} }, { key: KEY })).toEqual({ agreed: false, message: UPGRADE });
  });
});

describe('RFC 6455 4.1 what the client writes', () => {
  test('a field that is undefined is left out, one of several values is written once for each', () => {
    const names = createRequest({ key: KEY, headers: { 'X-A': undefined, 'X-B': ['1', '2'], 'X-C': 3 } });
    expect(names.slice(0, 3)).toEqual([
      ['X-B', '1'],
      ['X-B', '2'],
      ['X-C', '3'],
    ]);
  });

  test('4.1 a request that a server accepts', () => {
    expect(writeRequest('/chat?a=b', 'example.com:8080', createRequest({ key: KEY, origin: 'https://a' }))).toBe(
      'GET /chat?a=b HTTP/1.1\r\nHost: example.com:8080\r\nSec-WebSocket-Version: 13\r\n' +
        `Sec-WebSocket-Key: ${KEY}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://a\r\n\r\n`,
    );
  });

  test('4.1 subprotocols are one list, and an origin has the name that belongs to the version', () => {
    const list = createRequest({ key: KEY, protocols: ['a', 'b'], origin: 'https://a' });
    expect(list.slice(4)).toEqual([
      ['Sec-WebSocket-Protocol', 'a,b'],
      ['Origin', 'https://a'],
    ]);
    const old = createRequest({ key: KEY, version: 8, origin: 'https://a' });
    expect(old.slice(4)).toEqual([['Sec-WebSocket-Origin', 'https://a']]);
    expect(createRequest({ key: KEY, origin: '' })).toHaveLength(4);
    expect(createRequest({ key: KEY })).toHaveLength(4);
  });

  test('RFC 7230 5.3 a target has neither blanks nor bytes that are not ASCII', () => {
    for (const target of ['', '/a b', ' /', '/ ', '/é', '/\t']) {
      expect(() => writeRequest(target, 'a', [])).toThrow(
        expect.objectContaining({
          code: 'ERR_UNESCAPED_CHARACTERS',
          message: 'Request path contains unescaped characters',
        }),
      );
    }
  });

  test('C09 no byte of a string of the caller can leave its field, at any place', () => {
    const attempts: [name: string, write: (text: string) => string][] = [
      ['origin', (text) => writeRequest('/', 'a', createRequest({ key: KEY, origin: text }))],
      ['value', (text) => writeRequest('/', 'a', createRequest({ key: KEY, headers: { 'X-A': text } }))],
      ['name', (text) => writeRequest('/', 'a', createRequest({ key: KEY, headers: { [text]: 'a' } }))],
      ['extensions', (text) => writeRequest('/', 'a', createRequest({ key: KEY, extensions: text }))],
      ['protocol', (text) => writeRequest('/', 'a', createRequest({ key: KEY, protocols: [text] }))],
      ['host', (text) => writeRequest('/', text, createRequest({ key: KEY, headers: { 'X-A': 'b' } }))],
      ['target', (text) => writeRequest(text, 'a', createRequest({ key: KEY, headers: { 'X-A': 'b' } }))],
    ];
    for (const [name, attempt] of attempts) {
      const lines = attempt('abc').split('\r\n').length;
      for (let code = 0; code < 256; code++) {
        const character = String.fromCharCode(code);
        for (const text of [`${character}bc`, `a${character}c`, `ab${character}`]) {
          try {
            const head = attempt(text);
            expect(head.split(/\r\n|[\r\n\0]/).length, `${name} ${JSON.stringify(text)}`).toBe(lines);
          } catch (error) {
            if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error;
          }
        }
      }
      for (const bad of ['\r', '\n', '\0', '\r\n', '\r\nA: b']) expect(() => attempt(`ab${bad}`)).toThrow();
    }
  });

  test('4.1 mistakes of the caller throw, in the words of ws', () => {
    const unsupported = 'Unsupported protocol version: 12 (supported versions: 8, 13)';
    expect(() => createRequest({ key: KEY, version: 12 })).toThrow(new RangeError(unsupported));
    const invalid = new SyntaxError('An invalid or duplicated subprotocol was specified');
    for (const protocols of [['a', 'a'], [''], ['a b'], ['a,b'], [1 as unknown as string]]) {
      expect(() => createRequest({ key: KEY, protocols })).toThrow(invalid);
    }
    expect(() => createRequest({ key: 'x' })).toThrow(new TypeError('The key must be 16 bytes in base64'));
  });
});
