/** The contract with `ws`: following redirects, and which credentials go along. */
import { mkdtempSync, rmSync } from 'node:fs';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import tls from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { CERTIFICATE, KEY } from './certificate.js';
import { contract, dial, ending, event, listen, listenHttp, ownedServer } from './harness.js';
import type { Client, Implementation } from './implementations.js';

/** An HTTP server whose every upgrade is answered with a redirect, and which keeps the requests. */
async function redirecting(
  location: (request: IncomingMessage) => string,
  { server = http.createServer(), status = 302 }: { server?: http.Server; status?: number } = {},
): Promise<{ port: number; url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  server.on('upgrade', (request, socket) => {
    requests.push(request);
    socket.end(`HTTP/1.1 ${status} Redirect\r\nLocation: ${location(request)}\r\nConnection: close\r\n\r\n`);
  });
  return { ...(await listenHttp(server)), requests };
}

/** A WebSocket server that keeps the requests that became connections. */
async function target(
  implementation: Implementation,
): Promise<{ port: number; url: string; requests: IncomingMessage[] }> {
  const { server, port, url } = await listen(implementation);
  const requests: IncomingMessage[] = [];
  server.on('connection', (_ws: Client, request: IncomingMessage) => requests.push(request));
  return { port, url, requests };
}

const CREDENTIALS = { authorization: 'Basic Zm9vOmJhcg==', cookie: 'foo=bar', host: 'mine.example' };

contract('redirects', (implementation) => {
  it('followRedirects: is off by default', async () => {
    const { url } = await redirecting(() => 'ws://127.0.0.1:1/');
    expect((await ending(dial(implementation, url))).error?.message).toBe('Unexpected server response: 302');
  });

  it('followRedirects: true follows 3xx with a Location, and `url` is the last one', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const to = await target(implementation);
      const from = await redirecting(() => `${to.url}/there`, { status });
      const ws = dial(implementation, from.url, undefined, { followRedirects: true });
      expect(ws.url).toBe(`${from.url}/`);
      await event(ws, 'open');
      expect(ws.url).toBe(`${to.url}/there`);
      expect(to.requests[0].url).toBe('/there');
    }
  });

  it('_redirects: counts what a client has followed', async () => {
    const to = await target(implementation);
    const between = await redirecting(() => to.url);
    const from = await redirecting(() => between.url);
    const ws = dial(implementation, from.url, undefined, { followRedirects: true });
    const counted = ws as unknown as { _redirects: number };
    const seen = [counted._redirects];
    ws.on('redirect', () => seen.push(counted._redirects));
    await event(ws, 'open');
    expect([...seen, counted._redirects]).toEqual([0, 1, 2, 2]);
    const limited = dial(implementation, from.url, undefined, { followRedirects: true, maxRedirects: 0 });
    await ending(limited);
    expect(limited).toMatchObject({ _redirects: 1 });
  });

  it('followRedirects: Location may be relative', async () => {
    const server = http.createServer();
    const wss = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/base/') socket.end('HTTP/1.1 302 Found\r\nLocation: ./further?x=1\r\n\r\n');
      else wss.handleUpgrade(request, socket, head, () => {});
    });
    const { url } = await listenHttp(server);
    const ws = dial(implementation, `${url}/base/`, undefined, { followRedirects: true });
    await event(ws, 'open');
    expect(ws.url).toBe(`${url}/base/further?x=1`);
  });

  it('followRedirects: subprotocols are asked for again', async () => {
    const to = await target(implementation);
    const from = await redirecting(() => to.url);
    const ws = dial(implementation, from.url, ['proto'], { followRedirects: true });
    await event(ws, 'open');
    expect(ws.protocol).toBe('proto');
  });

  it('followRedirects: 3xx without Location is an unexpected response', async () => {
    const server = http.createServer();
    server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 302 Found\r\n\r\n'));
    const { url } = await listenHttp(server);
    const end = await ending(dial(implementation, url, undefined, { followRedirects: true }));
    expect(end.error?.message).toBe('Unexpected server response: 302');
  });

  it('Maximum redirects exceeded: after maxRedirects, 10 by default', async () => {
    for (const [options, hops] of [
      [{}, 11],
      [{ maxRedirects: 1 }, 2],
    ] as const) {
      const from = await redirecting(() => '/');
      const ws = dial(implementation, from.url, undefined, { followRedirects: true, ...options });
      expect(await ending(ws)).toMatchObject({
        code: 1006,
        errors: 1,
        error: { message: 'Maximum redirects exceeded' },
      });
      expect(from.requests).toHaveLength(hops);
    }
  });

  it('Invalid URL: a Location that is none gives a SyntaxError event, as do a fragment and another scheme', async () => {
    for (const [location, message] of [
      ['ws://', 'Invalid URL: ws://'],
      ['bad-scheme://host/', 'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"'],
      ['ws://127.0.0.1/#foo', 'The URL contains a fragment identifier'],
    ] as const) {
      const from = await redirecting(() => location);
      const end = await ending(dial(implementation, from.url, undefined, { followRedirects: true }));
      expect(end).toMatchObject({ code: 1006, errors: 1, error: { message, name: 'SyntaxError' } });
    }
  });

  it("'redirect': carries (url, request), before the new request is sent", async () => {
    const to = await target(implementation);
    const from = await redirecting(() => `${to.url}/next`);
    const ws = dial(implementation, from.url, undefined, { followRedirects: true });
    ws.on('redirect', (url: string, request: ClientRequest) => {
      expect(url).toBe(`${to.url}/next`);
      expect(ws.url).toBe(url);
      request.setHeader('X-Redirected', 'yes');
    });
    await event(ws, 'open');
    expect(to.requests[0].headers['x-redirected']).toBe('yes');
  });

  it('credentials: headers go along to the same host', async () => {
    const server = http.createServer();
    const wss = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    const seen: IncomingMessage[] = [];
    server.on('upgrade', (request, socket, head) => {
      seen.push(request);
      if (request.url === '/') socket.end('HTTP/1.1 302 Found\r\nLocation: /same\r\n\r\n');
      else wss.handleUpgrade(request, socket, head, () => {});
    });
    const { url } = await listenHttp(server);
    const ws = dial(implementation, url, undefined, { followRedirects: true, headers: CREDENTIALS });
    await event(ws, 'open');
    for (const request of seen) expect(request.headers).toMatchObject(CREDENTIALS);
    expect(seen).toHaveLength(2);
  });

  it('credentials: authorization, cookie and host are dropped when the host changes, other headers are not', async () => {
    const to = await target(implementation);
    const from = await redirecting(() => to.url);
    const ws = dial(implementation, from.url, undefined, {
      followRedirects: true,
      headers: { ...CREDENTIALS, 'X-Kept': 'kept' },
    });
    await event(ws, 'open');
    expect(from.requests[0].headers).toMatchObject(CREDENTIALS);
    const { headers } = to.requests[0];
    expect(headers.authorization).toBeUndefined();
    expect(headers.cookie).toBeUndefined();
    expect(headers.host).toBe(`127.0.0.1:${to.port}`);
    expect(headers['x-kept']).toBe('kept');
  });

  it('credentials: Proxy-Authorization is dropped with them (D13)', async () => {
    const to = await target(implementation);
    const from = await redirecting(() => to.url);
    const headers = { 'Proxy-Authorization': 'Basic Zm9vOmJhcg==' };
    await event(dial(implementation, from.url, undefined, { followRedirects: true, headers }), 'open');
    expect(from.requests[0].headers['proxy-authorization']).toBe('Basic Zm9vOmJhcg==');
    expect(to.requests[0].headers['proxy-authorization']).toBe(
      implementation.differs('D13', { ws: 'Basic Zm9vOmJhcg==', wsimd: undefined }),
    );
  });

  it('credentials: letter case of the header names does not save them', async () => {
    const to = await target(implementation);
    const from = await redirecting(() => to.url);
    const headers = { AUTHORIZATION: 'Basic Zm9vOmJhcg==', CoOkIe: 'foo=bar' };
    await event(dial(implementation, from.url, undefined, { followRedirects: true, headers }), 'open');
    expect(to.requests[0].headers.authorization).toBeUndefined();
    expect(to.requests[0].headers.cookie).toBeUndefined();
  });

  it('credentials: options.auth is dropped when the host changes, and kept on the same host', async () => {
    const to = await target(implementation);
    const from = await redirecting((request) => (request.url === '/' ? '/again' : to.url));
    await event(dial(implementation, from.url, undefined, { followRedirects: true, auth: 'foo:bar' }), 'open');
    expect(from.requests.map((request) => request.headers.authorization)).toEqual([
      'Basic Zm9vOmJhcg==',
      'Basic Zm9vOmJhcg==',
    ]);
    expect(to.requests[0].headers.authorization).toBeUndefined();
  });

  it('credentials: userinfo of the first URL becomes the Authorization header, the first one wins', async () => {
    const from = await redirecting((request) => (request.url === '/' ? `//baz:qux@${request.headers.host}/2` : '/3'));
    const ws = dial(implementation, from.url.replace('//', '//foo:bar@'), undefined, {
      followRedirects: true,
      maxRedirects: 2,
    });
    await ending(ws);
    expect(from.requests.map((request) => request.headers.authorization)).toEqual(
      Array.from({ length: 3 }, () => 'Basic Zm9vOmJhcg=='),
    );
  });

  it("credentials: with a 'redirect' listener nothing is dropped, it is the listener's decision", async () => {
    const to = await target(implementation);
    const from = await redirecting(() => to.url);
    const ws = dial(implementation, from.url, undefined, { followRedirects: true, headers: CREDENTIALS });
    ws.on('redirect', () => {});
    await event(ws, 'open');
    expect(to.requests[0].headers).toMatchObject(CREDENTIALS);
  });

  it('credentials: authorization and cookie are dropped from wss to ws on the same host, but not host', async () => {
    // One port cannot speak both: the plain server stands behind createConnection, under the same name.
    const plain = await target(implementation);
    const secure = await redirecting(() => 'ws://one.example:4711/', {
      server: https.createServer({ cert: CERTIFICATE, key: KEY }),
    });
    const ws = dial(implementation, 'wss://one.example:4711/', undefined, {
      followRedirects: true,
      headers: CREDENTIALS,
      createConnection: (options: { defaultPort: number }) =>
        options.defaultPort === 443
          ? tls.connect({ port: secure.port, host: '127.0.0.1', rejectUnauthorized: false })
          : net.connect({ port: plain.port, host: '127.0.0.1' }),
    });
    await event(ws, 'open');
    expect(secure.requests[0].headers).toMatchObject(CREDENTIALS);
    expect(plain.requests[0].headers.authorization).toBeUndefined();
    expect(plain.requests[0].headers.cookie).toBeUndefined();
    expect(plain.requests[0].headers.host).toBe('mine.example');
  });

  it('handshakeTimeout: starts anew at each redirect', async () => {
    const server = http.createServer();
    const wss = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    server.on('upgrade', (request, socket, head) => {
      const next = Number(request.url?.slice(1)) + 1;
      setTimeout(() => {
        if (next < 5) socket.end(`HTTP/1.1 302 Found\r\nLocation: /${next}\r\n\r\n`);
        else wss.handleUpgrade(request, socket, head, () => {});
      }, 150);
    });
    const { url } = await listenHttp(server);
    const options = { followRedirects: true, handshakeTimeout: 400 };
    const ws = dial(implementation, `${url}/0`, undefined, options);
    await event(ws, 'open');
  });

  it('finishRequest: is called again for each redirect', async () => {
    const to = await target(implementation);
    const from = await redirecting(() => to.url);
    const hosts: unknown[] = [];
    const ws = dial(implementation, from.url, undefined, {
      followRedirects: true,
      finishRequest: (request: ClientRequest, given: Client) => {
        hosts.push(request.getHeader('host'), given);
        request.end();
      },
    });
    await event(ws, 'open');
    expect(hosts).toEqual([`127.0.0.1:${from.port}`, ws, `127.0.0.1:${to.port}`, ws]);
  });

  it("close() in 'redirect': ends with the error of a closed connection and no 'open'", async () => {
    const to = await target(implementation);
    const from = await redirecting(() => to.url);
    const ws = dial(implementation, from.url, undefined, { followRedirects: true });
    ws.on('open', () => expect.unreachable());
    ws.on('redirect', () => ws.close());
    expect(await ending(ws)).toMatchObject({
      code: 1006,
      errors: 1,
      error: { message: 'WebSocket was closed before the connection was established' },
    });
  });

  it("destroying the request in 'redirect': gives its error", async () => {
    const from = await redirecting(() => 'ws://127.0.0.1:1/');
    const ws = dial(implementation, from.url, undefined, { followRedirects: true });
    const mine = new Error('not there');
    ws.on('redirect', (_url: string, request: ClientRequest) => request.destroy(mine));
    expect((await ending(ws)).error).toBe(mine);
  });

  it('socketPath: credentials are dropped between an IPC path and a host', async () => {
    const to = await target(implementation);
    const directory = mkdtempSync(`${tmpdir()}/contract-`);
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const server = http.createServer();
    onTestFinished(() => void server.close());
    const seen: IncomingMessage[] = [];
    server.on('upgrade', (request, socket) => {
      seen.push(request);
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${to.url}\r\nConnection: close\r\n\r\n`);
    });
    await new Promise<void>((resolve) => {
      server.listen(`${directory}/s`, resolve);
    });
    const ws = dial(implementation, `ws+unix:${directory}/s`, undefined, {
      followRedirects: true,
      headers: CREDENTIALS,
    });
    await event(ws, 'open');
    expect(seen[0].headers).toMatchObject(CREDENTIALS);
    expect(to.requests[0].headers.authorization).toBeUndefined();
    expect(to.requests[0].headers.cookie).toBeUndefined();
  });

  it('ws+unix: a server on the network cannot send a client to a socket of its own machine (D13)', async () => {
    const directory = mkdtempSync(`${tmpdir()}/contract-`);
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const local = ownedServer(new implementation.WebSocketServer({ port: `${directory}/s` }));
    await event(local, 'listening');
    const from = await redirecting(() => `ws+unix:${directory}/s:/`);
    const ws = dial(implementation, from.url, undefined, { followRedirects: true });
    if (implementation.name === 'ws') return void (await event(ws, 'open'));
    // Not even where a listener watches over redirects.
    const watched = dial(implementation, from.url, undefined, { followRedirects: true });
    watched.on('redirect', () => expect.unreachable());
    for (const client of [ws, watched]) {
      expect(await ending(client)).toMatchObject({
        code: 1006,
        errors: 1,
        error: { message: 'A redirect must not lead to an IPC path' },
      });
    }
  });

  it('ws+unix: one socket of a machine may send to another', async () => {
    const directory = mkdtempSync(`${tmpdir()}/contract-`);
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const local = ownedServer(new implementation.WebSocketServer({ port: `${directory}/s` }));
    await event(local, 'listening');
    const server = http.createServer();
    onTestFinished(() => void server.close());
    server.on('upgrade', (_request, socket) => {
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ws+unix:${directory}/s:/\r\nConnection: close\r\n\r\n`);
    });
    await new Promise<void>((resolve) => {
      server.listen(`${directory}/r`, resolve);
    });
    await event(dial(implementation, `ws+unix:${directory}/r:/`, undefined, { followRedirects: true }), 'open');
  });
});
