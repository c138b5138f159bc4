import { generateKeyPairSync } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { expect, test } from 'vitest';
import { wordsOf } from '../../src/cli/command-error.js';
import { hintOfPort, targetOf } from '../../src/cli/target.js';
import { CERTIFICATE } from '../node/contract/certificate.js';

test.each([
  ['9001', 'ws://127.0.0.1:9001'],
  ['9001/a?b', 'ws://127.0.0.1:9001/a?b'],
  ['localhost', 'ws://localhost'],
  ['here:80/path?x', 'ws://here:80/path?x'],
  ['http://here', 'ws://here'],
  ['https://here', 'wss://here'],
  ['wss://[::1]:1/', 'wss://[::1]:1/'],
  ['http://user:pass@word@here/a@b', 'ws://here/a@b'],
  ['ws://here\\@there', 'ws://here\\@there'],
])('the URL %s is %s', (text, url) => {
  expect(targetOf('URL', text).given).toBe(url);
});

test.each([
  ['foo'],
  ['ftp://here'],
  ['ws://'],
  ['ws:here'],
  ['ws:/here'],
  ['ws+unix:/here:/a'],
  ['here:port'],
  ['70000'],
  [''],
])('the URL %j is refused with its name and what it may be', (text) => {
  expect(() => targetOf('TARGET', text)).toThrow(/^TARGET is an address such as ws:\/\/127\.0\.0\.1:9001, not ".*\.$/);
});

test('a target has the port of its URL, 0 too, or the usual one', () => {
  const ports = ['ws://a', 'https://a', 'a:0', '5'].map((text) => targetOf('URL', text, false).connection.port);
  expect(ports).toEqual([80, 443, 0, 5]);
});

test('a fragment is refused with its name', () => {
  expect(() => targetOf('URL', 'ws://a/#b')).toThrow('URL takes no fragment: leave #b out, or write # as %23.');
});

test.each([
  ['ws://a', undefined],
  ['a:b@c:1', 'a:b'],
  ['ws://a%40b:%zz@c', 'a@b:%zz'],
  ['ws://:b@c', ':b'],
])('the user and the password of %s are %s', (text, user) => {
  const field = user === undefined ? undefined : `Basic ${Buffer.from(user).toString('base64')}`;
  expect(targetOf('URL', text).authorization).toBe(field);
});

test('another port is advised by the code of the error alone', () => {
  const withCode = (code: string): Error => Object.assign(new Error('in any words'), { code });
  for (const code of ['EADDRINUSE', 'EACCES']) {
    expect(hintOfPort(withCode(code), '--port')).toBe(' Give --port another port; 0 is any free one.');
  }
  const others = [withCode('EADDRNOTAVAIL'), new Error('Cannot listen: EADDRINUSE'), undefined];
  expect(others.map((error) => hintOfPort(error, '--port'))).toEqual(['', '', '']);
});

test('the words for a key of another certificate say so', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  let words = '';
  try {
    createSecureContext({ cert: CERTIFICATE, key });
  } catch (error) {
    words = wordsOf(error);
  }
  expect(words).toBe('the key is that of another certificate');
});
