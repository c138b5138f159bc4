import { describe, expect, test } from 'vitest';
import { allowOrigins, judgeOrigin } from '../../src/handshake/origin.js';

const ALLOWED = [
  'https://example.com',
  'http://localhost:8080',
  'https://xn--mnchen-3ya.de',
  'http://[::1]:3000',
  'chrome-extension://abcdefghijklmnop',
  'HTTPS://Shop.Example.com:443',
  'http://plain.example',
  'ws://plain.example:80',
  'wss://plain.example',
  'https://plain.example:65535',
];

const ORIGINS: [origin: string | undefined, allowed: boolean][] = [
  ['https://example.com', true],
  ['HTTPS://EXAMPLE.COM', true],
  ['https://example.com:443', true],
  ['http://localhost:8080', true],
  ['https://xn--mnchen-3ya.de', true],
  ['https://XN--MNCHEN-3YA.de', true],
  ['http://[::1]:3000', true],
  ['chrome-extension://abcdefghijklmnop', true],
  ['https://shop.example.com', true],
  ['http://plain.example:80', true],
  ['ws://plain.example', true],
  ['wss://plain.example:443', true],
  ['https://plain.example:65535', true],
  // no origin, and browsers' word for none
  [undefined, false],
  ['', false],
  ['null', false],
  ['NULL', false],
  ['undefined', false],
  // other origins
  ['http://example.com', false],
  ['wss://example.com', false],
  ['https://example.com:8443', false],
  ['https://example.com:80', false],
  ['http://localhost', false],
  ['http://localhost:80801', false],
  ['https://www.example.com', false],
  ['https://example.com.', false],
  ['https://example.com.evil.net', false],
  ['https://evilexample.com', false],
  ['https://evil.net', false],
  ['http://[::1]', false],
  ['http://[0:0:0:0:0:0:0:1]:3000', false],
  ['http://127.0.0.1:8080', false],
  // not origins at all
  ['https://example.com/', false],
  ['https://example.com/path', false],
  ['https://example.com?', false],
  ['https://example.com#', false],
  ['https://user@example.com', false],
  ['https://user:pass@example.com', false],
  ['https://evil.net@example.com', false],
  ['https://example.com@evil.net', false],
  ['https://example.com\\.evil.net', false],
  ['https://example.com, https://evil.net', false],
  ['https://example.com https://evil.net', false],
  [' https://example.com', false],
  ['https://example.com ', false],
  ['https://example.com\n', false],
  ['https://example.com\0', false],
  ['https://example.com:', false],
  ['https://example.com:0443', false],
  ['https://example.com:443443', false],
  ['https://münchen.de', false],
  ['https://ｅxample.com', false],
  ['https://%65xample.com', false],
  ['//example.com', false],
  ['example.com', false],
  ['https:example.com', false],
  ['https:///example.com', false],
  ['://example.com', false],
  ['*', false],
  ['https://*', false],
  ['file://', false],
];

describe('RFC 6455 10.2 the origin of a request', () => {
  test.each(ORIGINS)('C08 %j: %j', (origin, allowed) => {
    expect(judgeOrigin(origin, allowOrigins(ALLOWED))).toBe(allowed);
  });

  test('C08 a request without an Origin connects only where the list says so', () => {
    expect(judgeOrigin(undefined, allowOrigins([undefined]))).toBe(true);
    expect(judgeOrigin('null', allowOrigins([undefined]))).toBe(false);
    expect(judgeOrigin('https://example.com', allowOrigins([]))).toBe(false);
  });

  test.each(['null', '*', '', 'example.com', 'https://example.com/', 'https://münchen.de', 'https://a:65536'])(
    'C08 %j cannot be allowed',
    (entry) => {
      expect(() => allowOrigins([entry])).toThrow(new TypeError(`allowedOrigins: "${entry}" is not an origin`));
    },
  );
});
