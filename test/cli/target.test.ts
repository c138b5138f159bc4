import { expect, test } from 'vitest';
import { hintOfPort, targetOf, urlOf } from '../../src/cli/target.js';

test.each([
  ['9001', 'ws://127.0.0.1:9001'],
  ['localhost', 'ws://localhost'],
  ['here:80/path?x', 'ws://here:80/path?x'],
  ['http://here', 'ws://here'],
  ['https://here', 'wss://here'],
  ['wss://[::1]:1/', 'wss://[::1]:1/'],
])('the URL %s is %s', (text, url) => {
  expect(urlOf('URL', text)).toBe(url);
});

test.each([['foo'], ['ftp://here'], ['ws://'], ['ws:here'], ['here:port'], ['70000'], ['']])(
  'the URL %j is refused with its name and what it may be',
  (text) => {
    expect(() => urlOf('TARGET', text)).toThrow(/^TARGET is an address such as ws:\/\/127\.0\.0\.1:9001, not ".*\.$/);
  },
);

test('a target has the port of its URL, 0 too, or the usual one', () => {
  const ports = ['ws://a', 'https://a', 'a:0', '5'].map((text) => targetOf('URL', text, false).connection.port);
  expect(ports).toEqual([80, 443, 0, 5]);
});

test('another port is advised by the code of the error alone', () => {
  const withCode = (code: string): Error => Object.assign(new Error('in any words'), { code });
  for (const code of ['EADDRINUSE', 'EACCES']) {
    expect(hintOfPort(withCode(code), '--port')).toBe(' Give --port another port; 0 is any free one.');
  }
  const others = [withCode('EADDRNOTAVAIL'), new Error('Cannot listen: EADDRINUSE'), undefined];
  expect(others.map((error) => hintOfPort(error, '--port'))).toEqual(['', '', '']);
});
