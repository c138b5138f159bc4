/** The contract with `ws`: the address and the options of a client. */
import http from 'node:http';
import https from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { expect, it, onTestFinished, vi } from 'vitest';
import { headerOf } from '../../support/raw-peer.js';
import {
  answering,
  contract,
  dial,
  ending,
  event,
  listen,
  listenHttp,
  message,
  ownedServer,
  pair,
  rawServer,
  requestOf,
} from './harness.js';
import type { Client } from './implementations.js';
import { CERTIFICATE, KEY } from './certificate.js';
import { ownedPairOfStreams } from './streams.js';

contract('client options', (implementation) => {
  const construct = (address: string | URL, protocols?: unknown, options?: Record<string, unknown>) => (): Client =>
    new implementation.WebSocket(address, protocols, options);

  it('address: what is no URL, has another scheme, or a fragment throws SyntaxError', () => {
    expect(construct('')).toThrow(new SyntaxError('Invalid URL: '));
    expect(construct('foo')).toThrow(new SyntaxError('Invalid URL: foo'));
    expect(construct('ws://')).toThrow(new SyntaxError('Invalid URL: ws://'));
    expect(construct('bad-scheme://websocket-echo.com')).toThrow(
      new SyntaxError('The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"'),
    );
    expect(construct('ws://localhost#foo')).toThrow(new SyntaxError('The URL contains a fragment identifier'));
    const empty = construct('ws://localhost#', undefined, { createConnection: () => new net.Socket() })();
    empty.on('error', () => {});
    empty.terminate();
    expect(construct('ws+unix:')).toThrow(new SyntaxError("The URL's pathname is empty"));
  });

  it('address: null is left to the server, and no request is made', () => {
    const ws = new implementation.WebSocket(null, undefined, {});
    expect(ws.readyState).toBe(0);
    expect(ws._isServer).toBe(true);
  });

  it('address: a string or a URL; http: and https: become ws: and wss:', async () => {
    const { port } = await listen(implementation);
    for (const address of [`ws://127.0.0.1:${port}/a?b=c`, `http://127.0.0.1:${port}/a?b=c`]) {
      for (const given of [address, new URL(address)]) {
        const ws = dial(implementation, given);
        expect(ws.url).toBe(`ws://127.0.0.1:${port}/a?b=c`);
        await event(ws, 'open');
      }
    }
    const secure = dial(implementation, 'https://127.0.0.1:1/');
    const end = ending(secure);
    expect(secure.url).toBe('wss://127.0.0.1:1/');
    await end;
  });

  it('address: a URL object given is not changed', async () => {
    const { port } = await listen(implementation);
    const url = new URL(`http://user:pass@127.0.0.1:${port}/a`);
    const before = url.href;
    await event(dial(implementation, url), 'open');
    expect(url.href).toBe(before);
  });

  it('address: the path and the query go into the request line', async () => {
    const request = await requestOf(implementation, {}, (port) => `ws://127.0.0.1:${port}/some/path?a=%20b`);
    expect(request.split('\r\n')[0]).toBe('GET /some/path?a=%20b HTTP/1.1');
  });

  it('address: an IPv6 host loses its brackets for the connection', () => {
    let host: unknown;
    const ws = new implementation.WebSocket('ws://[::1]:8080', undefined, {
      createConnection: (options: { host: string }) => {
        host = options.host;
        return new net.Socket();
      },
    });
    ws.on('error', () => {});
    ws.terminate();
    expect(host).toBe('::1');
  });

  it('protocols: what is no token or is there twice throws SyntaxError', () => {
    const error = new SyntaxError('An invalid or duplicated subprotocol was specified');
    for (const protocols of [[null], [''], ['foo,bar'], ['foo', 'foo'], 'a b', ['a', 1]]) {
      expect(construct('ws://localhost', protocols), JSON.stringify(protocols)).toThrow(error);
    }
  });

  it('protocols: a string or an array are joined by "," into the header', async () => {
    const asked = async (protocols?: unknown, options = {}): Promise<string | undefined> =>
      headerOf(await requestOf(implementation, options, undefined, protocols), 'sec-websocket-protocol');
    expect(await asked('foo')).toBe('foo');
    expect(await asked(['foo', 'bar'])).toBe('foo,bar');
    expect(await asked([])).toBeUndefined();
    expect(await asked()).toBeUndefined();
  });

  it('options.protocols: is used where the 2nd argument is absent, as string or array', async () => {
    const server = await answering(({ peer }) => peer.socket.destroy());
    const open = async (...parameters: [unknown?, Record<string, unknown>?]): Promise<string | undefined> => {
      const ws = dial(implementation, server.url, ...parameters);
      await ending(ws);
      return headerOf(server.requests.at(-1)!, 'sec-websocket-protocol');
    };
    expect(await open(undefined, { protocols: 'one' })).toBe('one');
    expect(await open({ protocols: ['one', 'two'] })).toBe('one,two');
    expect(await open('mine', { protocols: ['one'] })).toBe('mine');
    expect(await open([], { protocols: ['one'] })).toBeUndefined();
  });

  it('(address, options): options may stand in the place of protocols', async () => {
    const server = await answering(({ peer }) => peer.socket.destroy());
    await ending(dial(implementation, server.url, { origin: 'https://here' }));
    expect(headerOf(server.requests[0], 'origin')).toBe('https://here');
  });

  it('options: the object and its headers are left as they were', async () => {
    const options = Object.freeze({
      headers: Object.freeze({ Cookie: 'a=b' }),
      followRedirects: true,
      perMessageDeflate: Object.freeze({ threshold: 1 }),
    });
    const before = structuredClone(options);
    const request = await requestOf(implementation, options);
    expect(headerOf(request, 'cookie')).toBe('a=b');
    expect(options).toEqual(before);
  });

  it('protocolVersion: is 13, may be 8, anything else throws RangeError', async () => {
    expect(headerOf(await requestOf(implementation), 'sec-websocket-version')).toBe('13');
    expect(headerOf(await requestOf(implementation, { protocolVersion: 8 }), 'sec-websocket-version')).toBe('8');
    expect(construct('ws://localhost', undefined, { protocolVersion: 1000 })).toThrow(
      new RangeError('Unsupported protocol version: 1000 (supported versions: 8, 13)'),
    );
  });

  it('request: is that of RFC 6455 4.1 with a fresh key of 16 bytes each time', async () => {
    const [one, two] = [await requestOf(implementation), await requestOf(implementation)];
    expect(one.split('\r\n')[0]).toBe('GET / HTTP/1.1');
    expect(headerOf(one, 'upgrade')).toBe('websocket');
    expect(headerOf(one, 'connection')).toBe('Upgrade');
    const keys = [one, two].map((request) => Buffer.from(headerOf(request, 'sec-websocket-key')!, 'base64'));
    expect(keys.map((key) => key.length)).toEqual([16, 16]);
    expect(keys[0].equals(keys[1])).toBe(false);
  });

  it('perMessageDeflate: is offered by default, and false offers nothing', async () => {
    expect(headerOf(await requestOf(implementation), 'sec-websocket-extensions')).toBe(
      'permessage-deflate; client_max_window_bits',
    );
    expect(
      headerOf(await requestOf(implementation, { perMessageDeflate: false }), 'sec-websocket-extensions'),
    ).toBeUndefined();
  });

  it('maxPayload: is enforced on a client, and the default is 104857600', async () => {
    const small = await rawServer(implementation, { maxPayload: 5 });
    const smallEnd = ending(small.ws);
    small.peer.send({ payload: 'sixsix' });
    expect((await small.peer.readClose()).code).toBe(1009);
    expect((await smallEnd).error?.code).toBe('WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');

    for (const [announce, code] of [
      [104_857_600, undefined],
      [104_857_601, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'],
    ] as const) {
      const { ws, peer } = await rawServer(implementation);
      const end = ending(ws);
      peer.write(peer.encode({ opcode: 2, announce }));
      peer.socket.end();
      expect((await end).error?.code).toBe(code);
    }
  });

  it('maxFragments: is enforced on a client, and the default is 16384 (D5)', async () => {
    const small = await rawServer(implementation, { maxFragments: 2 });
    const smallEnd = ending(small.ws);
    small.peer.send({ fin: false, payload: 'a' }, { fin: false, opcode: 0 }, { fin: false, opcode: 0 });
    expect((await small.peer.readClose()).code).toBe(1008);
    expect((await smallEnd).error?.message).toBe('Too many message fragments');

    const { ws, peer } = await rawServer(implementation);
    const end = ending(ws);
    const got = message(ws);
    peer.send({ fin: false, payload: '' });
    peer.send(...Array.from({ length: 16_383 }, () => ({ fin: false, opcode: 0 })));
    peer.send({ opcode: 0, payload: 'x' });
    const outcome = await Promise.race([end.then(({ error }) => error?.code), got.then(() => 'delivered')]);
    expect(outcome).toBe(implementation.differs('D5', { ws: 'WS_ERR_TOO_MANY_BUFFERED_PARTS', wsimd: 'delivered' }));
  });

  it('maxBufferedChunks: is enforced on a client when set', async () => {
    const { ws, peer } = ownedPairOfStreams(implementation, { role: 'client', options: { maxBufferedChunks: 2 } });
    const end = ending(ws);
    peer.write(peer.encode({ opcode: 2, announce: 100 }));
    for (let i = 0; i < 5; i++) peer.write('x');
    expect((await peer.readClose()).code).toBe(1008);
    expect((await end).error?.code).toBe('WS_ERR_TOO_MANY_BUFFERED_PARTS');
  });

  it('maxPendingAutoPongs: the 61st unwritten pong terminates a client (D4)', async () => {
    const { ws, peer } = await rawServer(implementation);
    const end = ending(ws);
    peer.send(...Array.from({ length: 61 }, (_, i) => ({ opcode: 9, payload: `${i}` })));
    const last = (async () => {
      for (;;) if ((await peer.readFrame()).payload.toString() === '60') return 'answered';
    })().catch(() => 'terminated');
    expect(await Promise.race([last, end.then(() => 'terminated')])).toBe(
      implementation.differs('D4', { ws: 'terminated', wsimd: 'answered' }),
    );
  });

  it('skipUTF8Validation: true lets invalid text through, false fails with 1007', async () => {
    const skipping = await rawServer(implementation, { skipUTF8Validation: true });
    const got = message(skipping.ws);
    skipping.peer.send({ payload: Buffer.from([0xff, 0xfe]) });
    expect((await got).data).toEqual(Buffer.from([0xff, 0xfe]));

    const { ws, peer } = await rawServer(implementation);
    const end = ending(ws);
    peer.send({ payload: Buffer.from([0xff, 0xfe]) });
    expect((await peer.readClose()).code).toBe(1007);
    expect((await end).error?.code).toBe('WS_ERR_INVALID_UTF8');
  });

  it('allowSynchronousEvents: false gives a client at most one event a turn', async () => {
    const { ws, peer } = await rawServer(implementation, { allowSynchronousEvents: false });
    const log: string[] = [];
    const done = new Promise<void>((resolve) => {
      ws.on('message', (data: Buffer) => {
        log.push(data.toString());
        setImmediate(() => log.push('turn'));
        if (data.toString() === 'c') resolve();
      });
    });
    peer.send({ payload: 'a' }, { payload: 'b' }, { payload: 'c' });
    await done;
    expect(log.filter((entry) => entry !== 'turn')).toEqual(['a', 'b', 'c']);
    expect(log.indexOf('turn')).toBeLessThan(log.indexOf('c'));
  });

  it('autoPong: false leaves the answer to the user of a client', async () => {
    const { ws, peer } = await rawServer(implementation, { autoPong: false });
    const pinged = event(ws, 'ping');
    peer.send({ opcode: 9, payload: 'x' });
    await pinged;
    ws.pong('by hand');
    expect(await peer.readFrame()).toMatchObject({ opcode: 10, payload: Buffer.from('by hand') });
  });

  it('closeTimeout: destroys the socket of a client', async () => {
    const { ws, peer } = await rawServer(implementation, { closeTimeout: 100 });
    const end = ending(ws);
    ws.close();
    expect((await end).code).toBe(1006);
    await peer.closed;
  });

  it('closeTimeout: the default of a client is 30000', async () => {
    const { ws } = await rawServer(implementation);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    try {
      ws.close();
      expect(timers.mock.calls.map(([, delay]) => delay)).toContain(30_000);
    } finally {
      timers.mockRestore();
    }
  });

  it('handshakeTimeout: gives an Error when no answer comes', async () => {
    const { url } = await answering(() => {});
    const ws = dial(implementation, url, undefined, { handshakeTimeout: 80 });
    expect(await ending(ws)).toMatchObject({
      code: 1006,
      error: { message: 'Opening handshake has timed out' },
      errors: 1,
    });
  });

  it('handshakeTimeout: does not end a connection that is open', async () => {
    const { ws, peer } = await rawServer(implementation, { handshakeTimeout: 60 });
    const gone = vi.fn();
    ws.on('close', gone);
    await new Promise((resolve) => {
      setTimeout(resolve, 120);
    });
    peer.send({ payload: 'still here' });
    expect((await message(ws)).data.toString()).toBe('still here');
    expect(gone).not.toHaveBeenCalled();
  });

  it('finishRequest: gets (request, ws) before the request is sent, and the caller ends it', async () => {
    const { server, url } = await listenHttp();
    const wss = ownedServer(new implementation.WebSocketServer({ server }));
    const connected = event<[Client, http.IncomingMessage]>(wss, 'connection');
    let given: unknown[] = [];
    const ws = dial(implementation, url, undefined, {
      finishRequest: (request: http.ClientRequest, websocket: Client) => {
        given = [request instanceof http.ClientRequest, websocket.readyState];
        request.setHeader('X-Late', 'header');
        setImmediate(() => request.end());
      },
    });
    expect(given).toEqual([true, 0]);
    const [, request] = await connected;
    expect(request.headers['x-late']).toBe('header');
    await event(ws, 'open');
  });

  it('generateMask: is called synchronously for every frame, empty ones too, with a Buffer of 4', async () => {
    const masks: Buffer[] = [];
    const { ws, peer } = await rawServer(implementation, {
      generateMask: (mask: Buffer) => {
        expect(Buffer.isBuffer(mask) && mask.length === 4).toBe(true);
        mask.writeUInt32BE(0xa1b2c300 + masks.length);
        masks.push(Buffer.from(mask));
      },
    });
    ws.send('one');
    ws.send(Buffer.from('two'));
    ws.send('');
    ws.ping();
    expect(masks).toHaveLength(4);
    for (const [i, payload] of ['one', 'two', '', ''].entries()) {
      const frame = await peer.readFrame();
      expect(frame.key).toEqual(masks[i]);
      expect(frame.payload.toString()).toBe(payload);
    }
    ws.close(1000, 'bye');
    expect((await peer.readFrame()).key).toEqual(masks[4]);
  });

  it('generateMask: a key of 0,0,0,0 leaves the payload as it is, MASK still set', async () => {
    const { ws, peer } = await rawServer(implementation, { generateMask: (mask: Buffer) => mask.fill(0) });
    const sent = Buffer.alloc(200, 0x61);
    ws.send(sent);
    ws.send('text');
    const frame = await peer.readFrame();
    expect(frame).toMatchObject({ masked: true, key: Buffer.alloc(4) });
    expect(frame.payload.equals(sent)).toBe(true);
    expect((await peer.readFrame()).payload.toString()).toBe('text');
  });

  it('generateMask: null, false and the like stand for none', async () => {
    for (const generateMask of [null, false, 0, '']) {
      const { ws, peer } = await rawServer(implementation, { generateMask });
      ws.send('text');
      expect((await peer.readFrame()).payload.toString()).toBe('text');
      ws.terminate();
    }
  });

  it('origin: is Origin for 13, Sec-WebSocket-Origin for 8, and absent by default', async () => {
    const origin = 'https://example.com:8000';
    const thirteen = await requestOf(implementation, { origin });
    expect(headerOf(thirteen, 'origin')).toBe(origin);
    expect(headerOf(thirteen, 'sec-websocket-origin')).toBeUndefined();
    const eight = await requestOf(implementation, { origin, protocolVersion: 8 });
    expect(headerOf(eight, 'sec-websocket-origin')).toBe(origin);
    expect(headerOf(eight, 'origin')).toBeUndefined();
    expect(headerOf(await requestOf(implementation), 'origin')).toBeUndefined();
  });

  it('headers: are sent, and cannot replace the ones of the handshake', async () => {
    const request = await requestOf(implementation, {
      headers: { 'X-Custom': 'yes', Upgrade: 'foo', 'Sec-WebSocket-Version': '1', Connection: 'close' },
    });
    expect(headerOf(request, 'x-custom')).toBe('yes');
    expect(headerOf(request, 'upgrade')).toBe('websocket');
    expect(headerOf(request, 'connection')).toBe('Upgrade');
    expect(headerOf(request, 'sec-websocket-version')).toBe('13');
  });

  it('auth: becomes a Basic Authorization header', async () => {
    const request = await requestOf(implementation, { auth: 'foo:bar' });
    expect(headerOf(request, 'authorization')).toBe('Basic Zm9vOmJhcg==');
  });

  it('socketPath, hostname, protocol, timeout, method, host, path, port: are overwritten from the URL', async () => {
    const request = await requestOf(
      implementation,
      {
        socketPath: '/nowhere',
        hostname: 'nowhere.invalid',
        host: 'nowhere.invalid',
        protocol: 'ftp:',
        timeout: 1,
        method: 'POST',
        path: '/other',
        port: 1,
      },
      (port) => `ws://127.0.0.1:${port}/mine`,
    );
    expect(request.split('\r\n')[0]).toBe('GET /mine HTTP/1.1');
    expect(headerOf(request, 'host')).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('agent: is the one that makes the connection', async () => {
    const { url } = await listen(implementation);
    const agent = new http.Agent();
    const spy = vi.spyOn(agent as unknown as { addRequest(): void }, 'addRequest');
    await event(dial(implementation, url, undefined, { agent }), 'open');
    expect(spy).toHaveBeenCalledTimes(1);
  });

  it('createConnection: makes the socket', async () => {
    const { port } = await listen(implementation);
    const created: net.Socket[] = [];
    const ws = dial(implementation, 'ws://somewhere.invalid/', undefined, {
      createConnection: () => {
        const socket = net.connect({ port, host: '127.0.0.1' });
        created.push(socket);
        return socket;
      },
    });
    await event(ws, 'open');
    expect(ws._socket).toBe(created[0]);
    expect(created).toHaveLength(1);
  });

  it('createConnection: the port is a string where the address names it, and the number of the scheme else', () => {
    const ports: unknown[] = [];
    for (const address of ['ws://localhost:8080', 'ws://localhost', 'ws://localhost:80']) {
      const ws = new implementation.WebSocket(address, undefined, {
        createConnection: (options: { port: unknown }) => {
          ports.push(options.port);
          return new net.Socket();
        },
      });
      ws.on('error', () => {});
      ws.terminate();
    }
    expect(ports).toEqual(['8080', 80, 80]);
  });

  it('lookup, family, localAddress: reach the connection', async () => {
    const { port, server } = await listen(implementation);
    const connected = event<[Client, http.IncomingMessage]>(server, 'connection');
    const families: unknown[] = [];
    const lookup = ((
      _host: string,
      options: { family?: number; all?: boolean },
      callback: (...a: unknown[]) => void,
    ) => {
      families.push(options.family);
      if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    }) as unknown;
    const ws = dial(implementation, `ws://looked-up.invalid:${port}`, undefined, {
      lookup,
      family: 4,
      localAddress: '127.0.0.9',
    });
    await event(ws, 'open');
    const [, request] = await connected;
    expect(families).toEqual([4]);
    expect(request.socket.remoteAddress).toBe('127.0.0.9');
  });

  it('URL userinfo: becomes auth, wins over options.auth, and is percent-decoded', async () => {
    const authorization = async (userinfo: string, options = {}): Promise<string | undefined> => {
      const request = await requestOf(implementation, options, (port) => `ws://${userinfo}127.0.0.1:${port}`);
      const header = headerOf(request, 'authorization');
      return header && Buffer.from(header.replace('Basic ', ''), 'base64').toString();
    };
    expect(await authorization('test:testpass@')).toBe('test:testpass');
    expect(await authorization('test:testpass@', { auth: 'foo:bar' })).toBe('test:testpass');
    expect(await authorization('', { auth: 'foo:bar' })).toBe('foo:bar');
    expect(await authorization('user%40host:p%3Ass%2F@')).toBe('user@host:p:ss/');
    expect(await authorization('only@')).toBe('only:');
    expect(await authorization('bad%25zz:x@')).toBe('bad%zz:x');
  });

  it('ws+unix:/path:/url: the first ":" splits the socket path from the URL path', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'contract-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const socketPath = path.join(directory, 's');
    const server = http.createServer();
    const wss = ownedServer(new implementation.WebSocketServer({ server }));
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => {
      server.listen(socketPath, resolve);
    });
    for (const [suffix, url] of [
      ['', ''],
      [':/foo?bar=bar', '/foo?bar=bar'],
      [':/a:b', '/a:b'],
    ] as const) {
      const connected = event<[Client, http.IncomingMessage]>(wss, 'connection');
      const ws = dial(implementation, `ws+unix:${socketPath}${suffix}`);
      const [, request] = await connected;
      expect(request.url).toBe(url === '' ? '/' : url);
      if (ws.readyState === ws.CONNECTING) await event(ws, 'open');
    }
  });

  it('ws+unix::/path: names no socket (D13)', () => {
    const construct = (): void => {
      const ws = dial(implementation, 'ws+unix::/path', undefined, { finishRequest: () => {} });
      ws.on('error', () => {});
    };
    if (implementation.differs('D13', { ws: false, wsimd: true })) expect(construct).toThrow(SyntaxError);
    else expect(construct).not.toThrow();
  });

  it('default ports: 80 and 443 are not put into the Host header, others are', async () => {
    const hosts: unknown[] = [];
    const finishRequest = (request: http.ClientRequest): void => {
      hosts.push(request.getHeader('host'));
      request.on('error', () => {});
      request.destroy();
    };
    for (const address of ['ws://localhost', 'ws://localhost:8443', 'wss://localhost', 'wss://localhost:8000']) {
      const ws = new implementation.WebSocket(address, undefined, {
        finishRequest,
        createConnection: () => new net.Socket(),
      });
      await ending(ws);
    }
    expect(hosts).toEqual(['localhost', 'localhost:8443', 'localhost', 'localhost:8000']);
  });

  it('ca / cert / key / rejectUnauthorized: reach TLS', async () => {
    const server = https.createServer({ cert: CERTIFICATE, key: KEY, requestCert: true, rejectUnauthorized: false });
    const { port } = await listenHttp(server);
    const wss = ownedServer(new implementation.WebSocketServer({ server }));
    const url = `wss://127.0.0.1:${port}`;
    expect((await ending(dial(implementation, url))).error?.code).toMatch(/SELF_SIGNED/);

    const trusting = dial(implementation, url, undefined, { rejectUnauthorized: false });
    await event(trusting, 'open');

    const connected = event<[Client, http.IncomingMessage]>(wss, 'connection');
    const checked = dial(implementation, `wss://localhost:${port}`, undefined, {
      ca: CERTIFICATE,
      cert: CERTIFICATE,
      key: KEY,
      lookup: (_host: string, options: { all?: boolean }, callback: (...a: unknown[]) => void) =>
        options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4),
    });
    await event(checked, 'open');
    const [ws, request] = await connected;
    expect((request.socket as tls.TLSSocket).getPeerCertificate().subject.CN).toBe('localhost');
    expect(checked._socket['authorized']).toBe(true);
    ws.send('over tls');
    expect((await message(checked)).data.toString()).toBe('over tls');
  });

  it('verifyClient info.secure: is true over TLS', async () => {
    const secure: boolean[] = [];
    const server = https.createServer({ cert: CERTIFICATE, key: KEY });
    ownedServer(
      new implementation.WebSocketServer({
        server,
        verifyClient: (info: { secure: boolean }) => secure.push(info.secure) > 0,
      }),
    );
    const { port } = await listenHttp(server);
    await event(dial(implementation, `wss://127.0.0.1:${port}`, undefined, { rejectUnauthorized: false }), 'open');
    expect(secure).toEqual([true]);
  });

  it("servername: the default SNI is the host unless it is an IP, and '' disables it", async () => {
    const names: unknown[] = [];
    const server = tls.createServer({ cert: CERTIFICATE, key: KEY }, (socket) => {
      names.push(socket.servername);
      socket.destroy();
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const lookup = (_host: string, options: { all?: boolean }, callback: (...a: unknown[]) => void): void =>
      options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4);
    for (const [host, options] of [
      ['by-name.invalid', {}],
      ['127.0.0.1', {}],
      ['by-name.invalid', { servername: 'other.invalid' }],
      ['by-name.invalid', { servername: '' }],
    ] as const) {
      await ending(
        dial(implementation, `wss://${host}:${port}`, undefined, { rejectUnauthorized: false, lookup, ...options }),
      );
    }
    expect(names).toEqual(['by-name.invalid', false, 'other.invalid', false]);
  });

  it('connection refused: is the error of the socket, then close 1006', async () => {
    const probe = net.createServer();
    await new Promise<void>((resolve) => {
      probe.listen(0, '127.0.0.1', resolve);
    });
    const { port } = probe.address() as AddressInfo;
    probe.close();
    const end = await ending(dial(implementation, `ws://127.0.0.1:${port}`));
    expect(end).toMatchObject({ code: 1006, reason: '', errors: 1, error: { code: 'ECONNREFUSED' } });
  });

  it('options of both sides: a pair opens with none given', async () => {
    const { client, peer } = await pair(implementation);
    expect([client.readyState, peer.readyState]).toEqual([1, 1]);
  });
});
