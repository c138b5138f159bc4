// The opening handshake over HTTP/2 (RFC 8441) as decisions: requests judged, fields written, responses judged.
import { describe, expect, test } from 'vitest';
import {
  createConnect,
  fieldsOfLines,
  isExtendedConnect,
  judgeConnect,
  judgeConnectResponse,
} from '../../src/handshake/connect.js';
import type { Fields } from '../../src/handshake/field.js';

const REQUEST: Fields = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'https',
  ':path': '/chat',
  ':authority': 'example.com',
  'sec-websocket-version': '13',
};

describe('RFC 8441 5 a request', () => {
  test('is accepted, with its origin, and a key only where it has a sound one', () => {
    expect(judgeConnect(REQUEST)).toEqual({ accepted: true, key: '', version: 13, origin: undefined });
    const key = 'AQIDBAUGBwgJCgsMDQ4PEA==';
    expect(judgeConnect({ ...REQUEST, origin: 'http://a', 'sec-websocket-key': key })).toMatchObject({
      key,
      origin: 'http://a',
    });
    expect(judgeConnect({ ...REQUEST, 'sec-websocket-key': 'short' })).toMatchObject({ accepted: true, key: '' });
    const old = { ...REQUEST, 'sec-websocket-version': '8', 'sec-websocket-origin': 'http://b' };
    expect(judgeConnect(old)).toMatchObject({ version: 8, origin: 'http://b' });
    expect(judgeConnect({ ...REQUEST, ':authority': undefined, host: 'example.com' })).toMatchObject({
      accepted: true,
    });
  });

  test.each<[string, Fields, number, string]>([
    ['another method', { ':method': 'GET' }, 405, 'Invalid HTTP method'],
    ['another protocol', { ':protocol': 'foo' }, 501, 'Unknown :protocol'],
    ['another scheme', { ':scheme': 'ftp' }, 400, 'Missing or invalid :scheme'],
    ['no path', { ':path': undefined }, 400, 'Missing or invalid :path'],
    ['a path without a slash', { ':path': '*' }, 400, 'Missing or invalid :path'],
    ['no authority', { ':authority': undefined }, 400, 'Missing :authority'],
    ['another version', { 'sec-websocket-version': '12' }, 400, 'Missing or invalid Sec-WebSocket-Version header'],
    ['a body', { 'content-length': '1' }, 400, 'Request must not have a body'],
  ])('with %s is refused', (_, fields, status, message) => {
    expect(judgeConnect({ ...REQUEST, ...fields })).toMatchObject({ accepted: false, status, message });
  });

  test('is an extended CONNECT, whatever its protocol', () => {
    expect(isExtendedConnect(REQUEST)).toBe(true);
    expect(isExtendedConnect({ ...REQUEST, ':protocol': 'foo' })).toBe(true);
    expect(isExtendedConnect({ ...REQUEST, ':protocol': undefined })).toBe(false);
    expect(isExtendedConnect({ ...REQUEST, ':method': 'GET' })).toBe(false);
  });
});

describe('RFC 9113 8.2.2 fields of HTTP/1.1 alone', () => {
  test('are left out of a request', () => {
    const headers = { Connection: 'close', Host: 'a', Cookie: ['a=1', 'b=2', 'c=3'], 'Keep-Alive': '5' };
    expect(createConnect({ headers, protocols: ['a', 'b'], origin: 'http://o' })).toEqual({
      cookie: ['a=1', 'b=2', 'c=3'],
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'a,b',
      origin: 'http://o',
    });
  });

  test('are left out of lines', () => {
    const lines = ['Upgrade: websocket', 'Set-Cookie: a=1', 'set-cookie: b=2', 'X: y: z'];
    expect(fieldsOfLines(lines)).toEqual({ 'set-cookie': ['a=1', 'b=2'], x: 'y: z' });
  });
});

test.each(['no colon', ': no name', 'a b: c', 'X: a\r\nY: b', 'X: a\u010d\u010ab'])('a line %j is refused', (line) => {
  expect(() => fieldsOfLines([line])).toThrow(TypeError);
});

test('RFC 9113 8.2.1 blanks around a value are left out, and nothing else', () => {
  expect(createConnect({ headers: { 'X-A': ' \ta b\t', 'X-B': '\u00a0c\u00a0' } })).toMatchObject({
    'x-a': 'a b',
    'x-b': '\u00a0c\u00a0',
  });
});

describe('RFC 8441 5 a response', () => {
  test('of 2xx opens, if its subprotocol and extensions were offered', () => {
    const asked = { protocols: ['a'] };
    const headers = { 'sec-websocket-protocol': 'a' };
    expect(judgeConnectResponse(200, headers, asked)).toEqual({ agreed: true, protocol: 'a', deflate: undefined });
    expect(judgeConnectResponse(200, { 'sec-websocket-protocol': 'b' }, asked)).toEqual({
      agreed: false,
      message: 'Server sent an invalid subprotocol',
    });
  });

  test.each([204, 299])('of %d opens it too', (status) => {
    expect(judgeConnectResponse(status, {}, {})).toMatchObject({ agreed: true });
  });

  test.each([199, 300, 404])('of %d does not', (status) => {
    expect(judgeConnectResponse(status, {}, {})).toEqual({
      agreed: false,
      message: `Unexpected server response: ${status}`,
    });
  });
});
