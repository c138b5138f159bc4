import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket as Ws } from 'ws';
import { isSamePeer, parseAddress, type Destination } from '../../src/node/client-address.js';

type Target = Pick<Destination, 'host' | 'port' | 'defaultPort' | 'path' | 'socketPath' | 'auth'>;
type Reading = { href: string; target: Target } | { name: string; message: string };

function errorOf(error: unknown): Reading {
  const { name, message } = error as Error;
  return { name, message };
}

/** What `ws` makes of an address, seen in the options of its connection. */
function readByWs(address: string | URL): Reading {
  let given: Target | undefined;
  try {
    const createConnection = (options: typeof given): net.Socket => {
      given = options;
      return new net.Socket();
    };
    // A finishRequest that does nothing keeps the request from being sent.
    const options = {
      createConnection: createConnection as unknown as typeof net.createConnection,
      finishRequest: () => {},
    };
    const ws = new Ws(address, [], options);
    ws.on('error', () => {});
    const request = (ws as unknown as { _req: { path: string } })._req;
    ws.terminate();
    const { host, port, defaultPort, socketPath, auth } = given!;
    return { href: ws.url, target: { host, port, defaultPort, path: request.path, socketPath, auth } };
  } catch (error) {
    return errorOf(error);
  }
}

function readByUs(address: string | URL): Reading {
  try {
    const { url, host, port, defaultPort, path, socketPath, auth } = parseAddress(address);
    // Where there is none, Node names the host 'localhost' and asks for '/'.
    return {
      href: url.href,
      target: { host: host || 'localhost', port, defaultPort, path: path || '/', socketPath, auth },
    };
  } catch (error) {
    return errorOf(error);
  }
}

const ADDRESSES: readonly (string | URL)[] = [
  'ws://example.com',
  'ws://example.com:80/',
  'ws://example.com:443/a/b?c=d',
  'wss://example.com:443',
  'wss://example.com:80/x',
  'http://example.com/%20 é?ü',
  'https://example.com:8443',
  'https://example.com:443',
  'WS://EXAMPLE.com./',
  'ws://[::1]:9000/x',
  'ws://127.1/',
  'ws://bücher.example/',
  'ws://example.com#',
  'ws://example.com/?',
  'ws://user:pass@example.com',
  'ws://user@example.com',
  'ws://:pass@example.com',
  'ws://us%40er:p%3Aa%2F@example.com',
  'ws://%zz:%E0%A4%A@example.com',
  'ws://%FF@example.com',
  'ws+unix:/tmp/s',
  'ws+unix:///tmp/s:/path?a:b',
  'ws+unix:/tmp/s:/a:b:c',
  'ws+unix:relative.sock:/x',
  'ws+unix:/tmp/s p:/x',
  new URL('http://example.com:8080/x'),
  new URL('wss://u:p@example.com/'),
  // What cannot be connected to:
  '',
  'foo',
  'ws://',
  'ws:',
  'ws://exa mple.com',
  'ws://example.com:65536',
  '//example.com',
  'ftp://example.com',
  'mailto:a@b',
  'ws://example.com#x',
  'ws+unix:',
  'ws+unix:#x',
  'ws+unix:/tmp/s#x',
  new URL('file:///x'),
];

describe('parseAddress', () => {
  it.each(ADDRESSES)('3: reads %s as ws does', (address) => {
    expect(readByUs(address)).toEqual(readByWs(address));
  });

  it('3: refuses what is no URL, has another scheme, no path of a socket, or a fragment', () => {
    const rows: [address: string, message: string][] = [
      ['foo', 'Invalid URL: foo'],
      ['ftp://x', 'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"'],
      ['ws+unix:', "The URL's pathname is empty"],
      ['ws://x#y', 'The URL contains a fragment identifier'],
      // ws connects to port 80 of this machine.
      ['ws+unix::/x', "The URL's pathname is empty"],
    ];
    for (const [address, message] of rows) expect(() => parseAddress(address)).toThrow(new SyntaxError(message));
  });

  it('leaves a URL as it is, frozen or not', () => {
    const url = Object.freeze(new URL('https://u:p@example.com/'));
    expect(parseAddress(url).url.href).toBe('wss://u:p@example.com/');
    expect(url.href).toBe('https://u:p@example.com/');
  });

  it('reads a relative address from its base', () => {
    const base = parseAddress('wss://example.com:8443/a/b?c').url;
    const read = (location: string): string => parseAddress(location, base).url.href;
    expect(read('/x')).toBe('wss://example.com:8443/x');
    expect(read('../x?y')).toBe('wss://example.com:8443/x?y');
    expect(read('//other.example/x')).toBe('wss://other.example/x');
    expect(read('http://other.example')).toBe('ws://other.example/');
    expect(() => read('ws://')).toThrow(new SyntaxError('Invalid URL: ws://'));
  });
});

describe('isSamePeer', () => {
  const same = (one: string, other: string): boolean => isSamePeer(parseAddress(one), parseAddress(other));

  it('is about host and port, or the IPC path, and nothing else', () => {
    expect(same('ws://a.example/x', 'ws://a.example/y?z')).toBe(true);
    expect(same('ws://a.example', 'ws://u:p@A.EXAMPLE:80')).toBe(true);
    expect(same('ws://a.example', 'ws://b.a.example')).toBe(false);
    expect(same('ws://a.example', 'ws://a.example:81')).toBe(false);
    expect(same('ws+unix:/s:/x', 'ws+unix:/s:/y')).toBe(true);
    expect(same('ws+unix:/s', 'ws+unix:/t')).toBe(false);
    expect(same('ws+unix:/s', 'ws://a.example/s')).toBe(false);
  });
});
