import { describe, expect, test } from 'vitest';
import { MAX_PLAIN_LENGTH, scanPlainUpgrade, targetEnd, targetStart } from '../../src/handshake/plain-upgrade.js';
import { requestHead } from '../support/raw-peer.js';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Where the head ends and what its target is, with other bytes before it; undefined where it is not plain. */
function look(text: string, from = 7): { length: number; target: string } | undefined {
  const bytes = new Uint8Array(from + text.length + 9).fill(0x41);
  bytes.set(bytesOf(text), from);
  const scanner = scanPlainUpgrade(bytes, from, from + text.length);
  if (scanner === undefined) return undefined;
  const target = String.fromCharCode(...bytes.subarray(targetStart(scanner), targetEnd(scanner)));
  return { length: scanner.at - from, target };
}

describe('RFC 6455 4.1 a plain request', () => {
  const text = requestHead({ Connection: 'keep-alive ,\tUpgrade', Upgrade: 'WebSocket' }, 'GET /a?b#c HTTP/1.1');

  test('4.1 is found at the start of the bytes, and no byte of it may be missing', () => {
    expect(look(text)).toEqual({ length: text.length, target: '/a?b#c' });
    expect(look(`${text}\x81\x80abcd`)).toEqual({ length: text.length, target: '/a?b#c' });
    for (let end = 0; end < text.length; end++) expect(look(text.slice(0, end)), String(end)).toBeUndefined();
    expect(look(requestHead({}, 'GET / HTTP/1.1'), 0)?.target).toBe('/');
  });

  test.each([
    'GET  HTTP/1.1',
    'GET /',
    'GET / HTTP/1.0',
    'GET / HTTP/1.1 ',
    'GET / http/1.1',
    'GET / /a HTTP/1.1',
    'GET /\x7f HTTP/1.1',
    'GET /\xe9 HTTP/1.1',
    'GET /\t HTTP/1.1',
    'GET * HTTP/1.1',
    'GET http://a/ HTTP/1.1',
    'POST / HTTP/1.1',
    'get / HTTP/1.1',
    '',
  ])('4.2.1 %j is another start', (line) => {
    expect(look(requestHead({}, line))).toBeUndefined();
  });

  test.each([
    { Host: undefined },
    { host: 'b' },
    { Upgrade: undefined },
    { Upgrade: 'h2c' },
    { Upgrade: 'websocket, h2c' },
    { upgrade: 'websocket' },
    { Connection: undefined },
    { Connection: '' },
    { Connection: 'keep-alive' },
    { Connection: 'upgrades, xupgrade' },
    { connection: 'Upgrade' },
    { 'Content-Length': '0' },
    { 'transfer-encoding': 'chunked' },
    { Expect: '100-continue' },
    { TE: 'trailers' },
    { Trailer: 'a' },
    { 'Proxy-Connection': 'close' },
    { 'HTTP2-Settings': 'AAMAAABkAAQAAP__' },
    { 'X-A': 'a'.repeat(MAX_PLAIN_LENGTH) },
    Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`X-${at}`, 'a'])),
    { 'X A': 'a' },
    { 'X-A': 'a\0' },
  ] as Record<string, string | undefined>[])('4.2.1 %j makes it another request', (fields) => {
    expect(look(requestHead(fields))).toBeUndefined();
  });

  test.each([
    { Connection: 'upgrade' },
    { Connection: ' , UPGRADE,' },
    { Connection: 'close, upgrade, x' },
    { 'X-A': 'a'.repeat(MAX_PLAIN_LENGTH / 2) },
    { 'X-Host': 'a', Hostx: 'a', Upgradx: 'a' },
    { 'Sec-WebSocket-Version': '7', 'Sec-WebSocket-Key': undefined },
  ] as Record<string, string | undefined>[])('4.2.1 %j does not', (fields) => {
    expect(look(requestHead(fields))).toBeDefined();
  });
});
