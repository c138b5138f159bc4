import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { acceptanceLines, judgeOffers, judgeOpening, judgeRequest, writeRefusal } from '../../src/handshake/server.js';
import { ACCEPT, GOOD, KEY, ROWS, answer, expected, read, seen, write } from './requests.js';

describe('RFC 6455 4.2 the server judges a request', () => {
  test('4.2.1 the table holds at least 60 requests', () => {
    expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
    expect(ROWS.length).toBeGreaterThanOrEqual(60);
  });

  test('C07 through our parser, plain and strict', () => {
    for (const row of ROWS) {
      const head = read(write(row));
      expect(seen(row, answer(head, true))).toEqual(expected(row, row.strict ?? row.plain));
      expect(seen(row, answer(head, false))).toEqual(expected(row, row.plain));
    }
  });

  test('4.4 only the refusal of a version says which versions there are', () => {
    const refused = (fields: Record<string, string>): object => judgeRequest(read(write({ fields })));
    const headers = { 'Sec-WebSocket-Version': '13, 8' };
    expect(refused({ 'Sec-WebSocket-Version': '7' })).toMatchObject({ status: 400, headers });
    expect(refused({ Upgrade: 'x' })).toEqual({
      accepted: false,
      status: 400,
      message: 'Invalid Upgrade header',
      headers: {},
    });
  });

  test('4.2.1 no Upgrade field, or one without a value, which Node does not take for one, is refused', () => {
    for (const value of [null, '']) {
      const head = read(write({ fields: { Upgrade: value } }));
      for (const strict of [true, false]) expect(answer(head, strict)).toContain('Invalid Upgrade header');
    }
  });

  test('4.2.1 strict demands a Connection field that lists upgrade', () => {
    for (const value of ['close', 'keep-alive', 'upgrades', '']) {
      const head = read(write({ fields: { Connection: value } }));
      expect(answer(head, true)).toContain('Invalid Connection header');
      expect(answer(head, false)).toContain(' 101 ');
    }
  });

  test('C01 any field may be missing, and nothing throws', () => {
    for (const name of Object.keys(GOOD)) {
      const head = read(write({ fields: { [name]: null } }));
      for (const strict of [true, false]) expect(() => judgeRequest(head, { strict, extensions: true })).not.toThrow();
    }
    for (const strict of [true, false]) {
      expect(judgeRequest({ headers: {} }, { strict })).toMatchObject({ status: 405 });
      expect(judgeRequest({ method: 'GET', headers: {} }, { strict })).toMatchObject({ status: 400 });
    }
  });

  test('a hand-made request without raw headers and with a number as version is accepted', () => {
    const request = {
      method: 'GET',
      headers: { upgrade: 'websocket', connection: 'upgrade', 'sec-websocket-version': 13, 'sec-websocket-key': KEY },
    };
    expect(judgeRequest(request)).toEqual({
      accepted: true,
      key: KEY,
      version: 13,
      origin: undefined,
      protocols: new Set(),
      offers: [],
    });
  });

  test('4.2.1 the Host of a hand-made request is counted in its fields when strict', () => {
    const headers = {
      upgrade: 'websocket',
      connection: 'upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': KEY,
    };
    expect(judgeRequest({ method: 'GET', httpVersion: '1.1', headers }, { strict: true })).toMatchObject({
      status: 400,
    });
    const named = { method: 'GET', httpVersion: '1.1', headers: { ...headers, host: 'a' } };
    expect(judgeRequest(named, { strict: true })).toMatchObject({ accepted: true });
  });

  test('11.3.2 an unreadable extensions header matters only where extensions are read', () => {
    const head = read(write({ fields: { 'Sec-WebSocket-Extensions': ';' } }));
    expect(judgeRequest(head)).toMatchObject({ accepted: true, offers: [] });
    expect(judgeRequest(head, { extensions: true })).toMatchObject({ accepted: false, status: 400 });
  });

  test('11.3.2 offers, subprotocols and the origin are handed on', () => {
    const fields = { 'Sec-WebSocket-Extensions': 'x; y=1, z', 'Sec-WebSocket-Protocol': 'a, b', Origin: 'https://a' };
    const head = read(write({ fields }));
    expect(judgeRequest(head, { extensions: true })).toEqual({
      accepted: true,
      key: KEY,
      version: 13,
      origin: 'https://a',
      protocols: new Set(['a', 'b']),
      offers: [
        { name: 'x', params: [{ name: 'y', value: '1' }] },
        { name: 'z', params: [] },
      ],
    });
  });

  test('version 8 names the origin Sec-WebSocket-Origin', () => {
    const fields = { 'Sec-WebSocket-Version': '8', Origin: 'https://a', 'Sec-WebSocket-Origin': 'https://b' };
    expect(judgeRequest(read(write({ fields })))).toMatchObject({ version: 8, origin: 'https://b' });
  });

  test('the two halves make the whole', () => {
    const head = read(write({ fields: { 'Sec-WebSocket-Protocol': 'a,,b' } }));
    const opening = judgeOpening(head);
    if (!opening.accepted) throw new Error(opening.message);
    expect(judgeOffers(head, opening)).toEqual(judgeRequest(head));
  });
});

describe('C05 values that no client should send', () => {
  const names = ['upgrade', 'connection', 'host', 'origin', 'sec-websocket-key', 'sec-websocket-version'];
  names.push('sec-websocket-protocol', 'sec-websocket-extensions', 'sec-websocket-origin', '__proto__');
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('websocket', KEY, '13', '8', 'a, b', 'x; y="', '\0', '\r\n'),
  );
  const value = fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.integer(), fc.constant(undefined));
  const headers = fc.dictionary(fc.constantFrom(...names), value);
  const rawHeaders = fc.option(
    fc.array(fc.tuple(text, text)).map((pairs) => pairs.flat()),
    { nil: undefined },
  );

  test('C05 are judged without throwing, and the answer is one whole head', () => {
    fc.assert(
      fc.property(headers, rawHeaders, fc.boolean(), (fields, raw, strict) => {
        const good = { upgrade: 'websocket', 'sec-websocket-key': KEY, 'sec-websocket-version': '13' };
        for (const each of [fields, { ...good, ...fields }]) {
          const head = answer({ method: 'GET', httpVersion: '1.1', headers: each, rawHeaders: raw }, strict);
          expect(head).toMatch(/^HTTP\/1\.1 (101|400) [ -~]+(\r\n[ -~]+)+\r\n\r\n[ -~]*$/);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('RFC 6455 4.2.2 what the server writes', () => {
  test('4.2.2 the lines of an acceptance, in the order of ws', () => {
    expect(acceptanceLines({ key: KEY, protocol: 'chat', extensions: 'permessage-deflate' })).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${ACCEPT}`,
      'Sec-WebSocket-Protocol: chat',
      'Sec-WebSocket-Extensions: permessage-deflate',
    ]);
    expect(acceptanceLines({ key: KEY })).toHaveLength(4);
    expect(acceptanceLines({ key: KEY, protocol: '' })).toHaveLength(4);
  });

  test('C09 no byte of a subprotocol can leave its field, at any place', () => {
    for (let code = 0; code < 256; code++) {
      const character = String.fromCharCode(code);
      for (const protocol of [`${character}bc`, `a${character}c`, `ab${character}`]) {
        const isToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(protocol) && !protocol.endsWith('\n');
        if (isToken) expect(acceptanceLines({ key: KEY, protocol })).toHaveLength(5);
        else {
          const message = `Invalid subprotocol [${JSON.stringify(protocol)}]`;
          expect(() => acceptanceLines({ key: KEY, protocol })).toThrow(
            expect.objectContaining({ code: 'ERR_INVALID_CHAR', message }),
          );
        }
      }
    }
  });

  test('a refusal has a body, its length in bytes, and says that the connection ends', () => {
    expect(writeRefusal(401)).toBe(
      'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\nUnauthorized',
    );
    expect(writeRefusal(400, 'é€😀\ud800')).toContain('Content-Length: 12\r\n\r\né€😀');
    expect(writeRefusal(599)).toBe(
      'HTTP/1.1 599 \r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n',
    );
  });

  test('fields of a refusal come after ours or, when they are the same, instead of them', () => {
    expect(
      writeRefusal(401, 'x', { 'content-type': 'text/plain', 'WWW-Authenticate': 'Basic', 'X-List': ['a', 'b'] }),
    ).toBe(
      'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\ncontent-type: text/plain\r\nContent-Length: 1\r\n' +
        'WWW-Authenticate: Basic\r\nX-List: a,b\r\n\r\nx',
    );
    expect(writeRefusal(999, 'x', { CONNECTION: 'a', 'content-Length': '1', 'X-None': undefined })).toBe(
      'HTTP/1.1 999 \r\nCONNECTION: a\r\nContent-Type: text/html\r\ncontent-Length: 1\r\n\r\nx',
    );
  });

  test('C09 a refusal cannot be split by its fields', () => {
    for (const character of ['\r', '\n', '\0', '\r\n']) {
      expect(() => writeRefusal(401, '', { [`A${character}`]: 'b' })).toThrow(TypeError);
      expect(() => writeRefusal(401, '', { A: `b${character}C: d` })).toThrow(TypeError);
    }
    for (const status of [0, 101, 199, 1000, 400.5, NaN]) {
      expect(() => writeRefusal(status)).toThrow(new RangeError(`Invalid status code: ${status}`));
    }
    expect(writeRefusal(200)).toMatch(/^HTTP\/1\.1 200 /);
  });
});
