import { describe, expect, test } from 'vitest';
import { RequestReader, ResponseReader } from '../../src/handshake/head-reader.js';
import { MAX_FIELDS, MAX_HEAD_LENGTH } from '../../src/spec/limits.js';
import { growth } from '../support/growth.js';

const octets = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** What a reader says of chunks: the head and the rest as text, the error, or undefined for "more". */
function play(reader: RequestReader | ResponseReader, chunks: readonly Uint8Array[]): unknown {
  for (const [index, chunk] of chunks.entries()) {
    const { head, error, rest: after } = reader.push(chunk);
    if (error !== undefined) return error;
    if (head !== undefined && after !== undefined) {
      const rest = Buffer.concat([after, ...chunks.slice(index + 1)]).toString('latin1');
      return { ...head, headers: Object.entries(head.headers), rest };
    }
  }
  return undefined;
}

/** Plays a text whole, byte by byte and cut at every place; every way must say the same. */
function playEveryWay(create: () => RequestReader | ResponseReader, text: string): unknown {
  const whole = octets(text);
  const result = play(create(), [whole]);
  expect(
    play(
      create(),
      Array.from(whole, (octet) => Uint8Array.of(octet)),
    ),
  ).toEqual(result);
  for (let cut = 0; cut <= whole.length; cut++) {
    expect(play(create(), [whole.subarray(0, cut), new Uint8Array(), whole.subarray(cut)])).toEqual(result);
  }
  return result;
}

const request = (text: string): unknown => playEveryWay(() => new RequestReader(), text);
const response = (text: string): unknown => playEveryWay(() => new ResponseReader(), text);

describe('RFC 7230 3 heads', () => {
  test('3 reads a request, and hands back what follows it', () => {
    expect(
      request('GET /chat?a=b HTTP/1.1\r\nHost: a\r\nX-List:\t1 \r\nx-list:2\r\nEmpty:\r\n\r\n\x81\x00GET'),
    ).toEqual({
      method: 'GET',
      url: '/chat?a=b',
      httpVersion: '1.1',
      headers: [
        ['host', 'a'],
        ['x-list', '1, 2'],
        ['empty', ''],
      ],
      rawHeaders: ['Host', 'a', 'X-List', '1', 'x-list', '2', 'Empty', ''],
      rest: '\x81\x00GET',
    });
  });

  test('3.2.3 takes spaces and tabs off a value, and no other blanks', () => {
    const text = 'GET / HTTP/1.1\r\nA: \t a b \t\r\nB:\xa0a\xa0\r\nC: \t \r\nD:\r\n\r\n';
    expect(request(text)).toMatchObject({ rawHeaders: ['A', 'a b', 'B', '\xa0a\xa0', 'C', '', 'D', ''] });
  });

  test('3.2 names whose case is odd are names like others', () => {
    expect(request('GET / HTTP/1.1\r\nhOST: a\r\nUPGRADE: b\r\nSec-Websocket-Key: c\r\n\r\n')).toMatchObject({
      headers: [
        ['host', 'a'],
        ['upgrade', 'b'],
        ['sec-websocket-key', 'c'],
      ],
      rawHeaders: ['hOST', 'a', 'UPGRADE', 'b', 'Sec-Websocket-Key', 'c'],
    });
  });

  test('the strings of a head are its own, though the memory of its chunk is written to again', () => {
    const chunk = octets('GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n');
    const { head } = new RequestReader().push(chunk);
    chunk.fill(0x78);
    expect(head).toMatchObject({ method: 'GET', url: '/a', rawHeaders: ['Host', 'example.com'] });
    const reader = new RequestReader();
    const first = octets('GET /b HTTP/1.1\r\nHo');
    reader.push(first);
    first.fill(0x78);
    expect(reader.push(octets('st: a\r\n\r\n'))).toMatchObject({ head: { url: '/b', rawHeaders: ['Host', 'a'] } });
  });

  test('3 reads a response', () => {
    expect(response('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n')).toEqual({
      statusCode: 101,
      statusMessage: 'Switching Protocols',
      httpVersion: '1.1',
      headers: [['upgrade', 'websocket']],
      rawHeaders: ['Upgrade', 'websocket'],
      rest: '',
    });
  });

  test.each(['HTTP/1.0 200 ', 'HTTP/1.1 200', 'HTTP/1.1 404 Not \xff Found'])(
    '3.1.2 reads the status line %j',
    (line) => {
      const [statusCode, statusMessage] = [Number(line.slice(9, 12)), line.slice(13)];
      expect(response(`${line}\r\n\r\n`)).toMatchObject({ statusCode, statusMessage, rest: '' });
    },
  );

  test.each([
    'GET  / HTTP/1.1',
    'GET /  HTTP/1.1',
    'GET / HTTP/1.1 ',
    ' GET / HTTP/1.1',
    'GET /',
    'GET',
    '',
    'GET / http/1.1',
    'GET / HTTP/1',
    'GET / HTTP/11.1',
    'GET / HTTP/1.1x',
    'GET /\xe9 HTTP/1.1',
    'GET\t/ HTTP/1.1',
    'G(T / HTTP/1.1',
    'HTTP/1.1 101 Switching Protocols',
  ])('3.1.1 refuses the request line %j', (line) => {
    expect(request(`${line}\r\nHost: a\r\n\r\n`)).toEqual({ status: 400, message: 'Invalid start line' });
  });

  test.each([
    'HTTP/1.1  101 x',
    'xHTTP/1.1 101 x',
    'HTTP/1.1 1011 x',
    'HTTP/1.1 10 x',
    'HTTP/1.1 abc x',
    'ICY 200 OK',
    '',
    'HTTP/1.1',
    'GET / HTTP/1.1',
  ])('3.1.2 refuses the status line %j', (line) => {
    expect(response(`${line}\r\n\r\n`)).toEqual({ status: 400, message: 'Invalid start line' });
  });

  test.each(['0.9', '1.2', '2.0', '3.0'])('2.6 refuses HTTP/%s', (version) => {
    const error = { status: 505, message: 'Unsupported HTTP version' };
    expect(request(`GET / HTTP/${version}\r\n\r\n`)).toEqual(error);
    expect(response(`HTTP/${version} 101 x\r\n\r\n`)).toEqual(error);
  });

  test.each(['Host', ': a', ' Host: a', '\tHost: a', 'Host : a', 'Ho st: a', 'Host\xe9: a', 'Host(: a', '"Host": a'])(
    '3.2.4 refuses the field %j, folded or malformed',
    (line) => {
      expect(request(`GET / HTTP/1.1\r\nA: b\r\n${line}\r\n\r\n`)).toEqual({
        status: 400,
        message: 'Invalid header field',
      });
    },
  );

  test('3.5 refuses every control character at every place, at once', () => {
    const text = 'GET / HTTP/1.1\r\nA: b\r\n\r\n';
    const error = { status: 400, message: 'Invalid character in head' };
    for (const code of [...Array.from({ length: 32 }, (_, octet) => octet), 127]) {
      if (code === 9) continue;
      for (let at = 0; at < text.length - 2; at++) {
        if (code === 13 && text[at] === '\n') continue;
        if (code === 13 && text[at] === '\r') continue;
        if (code === 10 && text[at] === '\n' && text[at - 1] === '\r') continue;
        const spoiled = text.slice(0, at) + String.fromCharCode(code) + text.slice(at);
        expect(play(new RequestReader(), [octets(spoiled.slice(0, at + 2))]), JSON.stringify(spoiled)).toEqual(error);
      }
    }
  });

  test('3.2.2 names of Object.prototype are names like others', () => {
    for (const name of Object.getOwnPropertyNames(Object.prototype)) {
      const head = play(new RequestReader(), [octets(`GET / HTTP/1.1\r\n${name}: a\r\n${name}: b\r\n\r\n`)]);
      expect(head).toMatchObject({ headers: [[name.toLowerCase(), 'a, b']] });
    }
  });

  test('C10 reads a head of 16 KiB, and not one byte more', () => {
    const frame = 'GET / HTTP/1.1\r\nA: \r\n\r\n'.length;
    const head = (length: number): Uint8Array => octets(`GET / HTTP/1.1\r\nA: ${'a'.repeat(length - frame)}\r\n\r\n`);
    expect(play(new RequestReader(), [head(MAX_HEAD_LENGTH)])).toMatchObject({ rest: '' });
    expect(play(new RequestReader(), [head(MAX_HEAD_LENGTH + 1)])).toEqual({ status: 431, message: 'Head too long' });
    expect(play(new RequestReader(), [new Uint8Array(1 << 20).fill(65)])).toEqual({
      status: 431,
      message: 'Head too long',
    });
  });

  test('C01 reads 2000 fields, and not one more', () => {
    const head = (fields: number): Uint8Array => octets(`GET / HTTP/1.1\r\n${'a:b\r\n'.repeat(fields)}\r\n`);
    expect(play(new RequestReader(), [head(MAX_FIELDS)])).toMatchObject({ rest: '' });
    expect(play(new RequestReader(), [head(MAX_FIELDS + 1)])).toEqual({
      status: 431,
      message: 'Too many header fields',
    });
  });

  test('throws when it is pushed on after its end', () => {
    const reader = new RequestReader();
    reader.push(octets('GET / HTTP/1.1\r\n\r\n'));
    expect(() => reader.push(octets('x'))).toThrow(new TypeError('This head has already been read'));
    const failed = new ResponseReader();
    failed.push(octets('\0'));
    expect(() => failed.push(octets('x'))).toThrow(TypeError);
  });

  test('R14 takes time linear in the length, byte by byte too', () => {
    const read = (text: string): void => {
      const reader = new RequestReader();
      for (const octet of octets(text)) {
        if (reader.push(Uint8Array.of(octet)).error !== undefined) throw new Error('refused');
      }
    };
    expect(growth(read, (n) => `G${'E'.repeat(n - 1)}`, 1000)).toBeLessThan(64);
    expect(growth(read, (n) => `GET / HTTP/1.1\r\n${'a:b\r\n'.repeat(n / 8)}`, 1000)).toBeLessThan(64);
  });
});
