/** What a client's options become: the whole request, what the constructor throws, and what an option can never change. */
import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { headerOf, responseHead } from '../support/raw-peer.js';
import { CERTIFICATE, KEY } from './contract/certificate.js';
import { answering, contract, dial, ending, event } from './contract/harness.js';
import type { Client, Implementation } from './contract/implementations.js';
import { ours, scripted, theirs, type Options } from './scripted.js';

/** The request as it lay on the wire, but for what is new each time. */
async function wireOf(
  implementation: Implementation,
  address: string,
  protocols: unknown,
  options: Options,
): Promise<string> {
  const server = scripted(() => 'HTTP/1.1 400 Bad Request\r\n\r\n');
  await ending(dial(implementation, address, protocols, { ...server.options, ...options }));
  return server.requests[0].replace(/(?<=Sec-WebSocket-Key: )\S+/i, 'key');
}

const REQUESTS: readonly [name: string, options: Options, protocols?: unknown, address?: string][] = [
  ['nothing more', {}],
  ['a path and a query', {}, undefined, 'ws://example.com:8080/a%20b/é?c=d e'],
  ['subprotocols', {}, ['one', 'two']],
  ['one subprotocol', {}, 'one'],
  ['subprotocols among the options', { protocols: ['one', 'two'] }],
  ['one subprotocol among the options', { protocols: 'one' }],
  ['subprotocols in both places', { protocols: ['two'] }, ['one']],
  ['no subprotocols in spite of the options', { protocols: ['two'] }, []],
  ['version 8 with an origin', { protocolVersion: 8, origin: 'http://a.example' }],
  ['an origin', { origin: 'http://a.example', headers: { Origin: 'http://b.example' } }],
  ['fields of the caller', { headers: { 'X-One': 1, 'x-list': ['a', 'b'], Cookie: ['a=1', 'b=2'], 'X-Empty': '' } }],
  ["fields that are the handshake's", { headers: { upgrade: 'x', CONNECTION: 'x', 'sec-websocket-key': 'x' } }],
  ['a Host of the caller', { headers: { host: 'h.example' } }],
  ['auth', { auth: 'a:b' }],
  ['auth and Authorization', { auth: 'a:b', headers: { authorization: 'mine' } }],
  ['auth, Authorization and redirects', { auth: 'a:b', headers: { Authorization: 'mine' }, followRedirects: true }],
  ['userinfo', {}, undefined, 'ws://us%40er:p%C3%A4ss@example.com/'],
  ['userinfo and redirects', { followRedirects: true }, undefined, 'ws://user:pass@example.com/'],
  ['no compression', { perMessageDeflate: false }],
  ['compression not defined', { perMessageDeflate: undefined }],
  ['compression by options', { perMessageDeflate: { serverMaxWindowBits: 10, clientMaxWindowBits: 11 } }],
  ['no context', { perMessageDeflate: { serverNoContextTakeover: true, clientNoContextTakeover: true } }],
  ['no window of its own', { perMessageDeflate: { clientMaxWindowBits: false } }],
  ['another default port', { defaultPort: 8080 }, undefined, 'ws://example.com:8080/'],
  ['no Host', { setHost: false }],
  ['an IPv6 address', {}, undefined, 'ws://[::1]:8080/'],
  ['an IPC path', {}, undefined, 'ws+unix:/tmp/s:/a?b'],
];

describe('the opening request', () => {
  it.each(REQUESTS)(
    '4.1: is byte for byte that of ws: %s',
    async (_name, options, protocols, address = 'ws://example.com/') => {
      if (theirs === undefined) return;
      const request = await wireOf(ours, address, protocols, options);
      expect(request).toBe(await wireOf(theirs, address, protocols, options));
    },
  );
});

const FAILURES: readonly [name: string, options: Options, protocols?: unknown][] = [
  ['another version', { protocolVersion: 9 }],
  ['a version that is text', { protocolVersion: '13' }],
  ['the same subprotocol twice', {}, ['a', 'a']],
  ['a subprotocol that is no token', {}, 'a b'],
  ['an empty subprotocol', {}, ''],
  ['a subprotocol among the options that is no token', { protocols: 'a b' }],
  ['a field with a line break', { headers: { a: 'b\r\nc: d' } }],
  ['a field name that is no token', { headers: { 'a b': 'c' } }],
  ['an agent that is none', { agent: 5 }],
];

describe('the constructor', () => {
  it.each(FAILURES)('throws as ws does: %s', (_name, options, protocols) => {
    const thrownBy = (implementation: Implementation): unknown => {
      try {
        return new implementation.WebSocket('ws://example.com', protocols, {
          createConnection: () => new net.Socket(),
          ...options,
        });
      } catch (error) {
        const { name, message, code } = error as NodeJS.ErrnoException;
        return { name, message, code };
      }
    };
    const mine = thrownBy(ours);
    expect(mine).not.toBeInstanceOf(ours.WebSocket);
    if (theirs !== undefined) expect(mine).toEqual(thrownBy(theirs));
  });

  it('refuses numbers that it could not honour (D9)', () => {
    for (const options of [
      { handshakeTimeout: -1 },
      { handshakeTimeout: NaN },
      { maxRedirects: -1 },
      { maxRedirects: 'x' },
    ]) {
      expect(() => new ours.WebSocket('ws://example.com', [], options)).toThrow(RangeError);
    }
  });
});

contract("what the caller's own objects look like afterwards", (implementation) => {
  it('deep-frozen options, address and subprotocols are taken, redirects included', async () => {
    const server = scripted((request) =>
      server.requests.length === 1
        ? 'HTTP/1.1 302 Found\r\nLocation: ws://b.example/\r\n\r\n'
        : responseHead(request, { 'Sec-WebSocket-Protocol': 'one' }),
    );
    const options = Object.freeze({
      ...server.options,
      followRedirects: true,
      auth: 'a:b',
      headers: Object.freeze({ 'X-List': Object.freeze(['a', 'b']), Cookie: 'c' }),
      perMessageDeflate: Object.freeze({ serverNoContextTakeover: true }),
    });
    const before = structuredClone({ ...options, createConnection: undefined });
    const address = Object.freeze(new URL('http://u:p@a.example/'));
    const ws = dial(implementation, address, Object.freeze(['one', 'two']), options);
    await event(ws, 'open');
    expect(ws.protocol).toBe('one');
    expect({ ...options, createConnection: undefined }).toEqual(before);
    expect(address.href).toBe('http://u:p@a.example/');
  });
});

describe('Object.prototype', () => {
  /** Makes a client while Object.prototype has properties, as in a polluted program. */
  function dialPolluted(properties: Options, address: string, options: Options): Client {
    for (const [name, value] of Object.entries(properties)) {
      // oxlint-disable-next-line no-extend-native
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
    }
    try {
      return dial(ours, address, undefined, options);
    } finally {
      for (const name of Object.keys(properties)) delete (Object.prototype as Options)[name];
    }
  }

  it('cannot choose where a client connects, what it sends, or what it follows', async () => {
    const server = await answering(({ peer }) => peer.socket.end('HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n'));
    const foreign = (): never => expect.unreachable();
    const properties = {
      agent: { addRequest: foreign },
      auth: 'evil:evil',
      createConnection: foreign,
      finishRequest: foreign,
      followRedirects: true,
      headers: { 'X-Evil': 'evil' },
      insecureHTTPParser: true,
      localAddress: '192.0.2.1',
      lookup: foreign,
      origin: 'http://evil.example',
      protocolVersion: 8,
      protocols: ['evil'],
      setHost: false,
      signal: AbortSignal.abort(),
      socketPath: '/nowhere',
    };
    const ws = dialPolluted(properties, `ws://127.0.0.1:${server.port}`, { perMessageDeflate: false });
    expect((await ending(ws)).error?.message).toBe('Unexpected server response: 302');
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).not.toMatch(/evil/i);
    expect(headerOf(server.requests[0], 'sec-websocket-version')).toBe('13');
    expect(headerOf(server.requests[0], 'host')).toBe(`127.0.0.1:${server.port}`);
  });

  it('cannot choose whom a client trusts', async () => {
    const server = tls.createServer({ cert: CERTIFICATE, key: KEY }, () => {});
    server.on('tlsClientError', () => {});
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as net.AddressInfo;
    const properties = {
      ca: CERTIFICATE,
      checkServerIdentity: () => undefined,
      rejectUnauthorized: false,
      secureContext: tls.createSecureContext({ ca: CERTIFICATE }),
      servername: 'localhost',
    };
    const ws = dialPolluted(properties, `wss://127.0.0.1:${port}`, {});
    expect((await ending(ws)).error?.code).toMatch(/SELF_SIGNED/);
    // The same server is trusted by a client that is told so.
    const told = dial(ours, `wss://127.0.0.1:${port}`, [], { ...properties, handshakeTimeout: 300 });
    expect((await ending(told)).error?.message).toBe('Opening handshake has timed out');
  });
});
