/** The contract with `ws`: answers to a client's handshake that make it fail, and what exactly it says then. */
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import { expect, it, vi } from 'vitest';
import { responseHead } from '../../support/raw-peer.js';
import { answering, contract, dial, ending, event, listenHttp, recorder, turn } from './harness.js';
import type { Client } from './implementations.js';

interface Row {
  name: string;
  /** Changes to a good 101. */
  headers: Record<string, string | undefined>;
  protocols?: string[];
  options?: Record<string, unknown>;
  message: string;
}

const NOT_REQUESTED = 'Server sent a Sec-WebSocket-Extensions header but no extension was requested';

const ROWS: Row[] = [
  // Without an Upgrade line Node's client gives no 'upgrade' event at all: the nearest case is a wrong value.
  { name: 'another Upgrade', headers: { Upgrade: 'foo' }, message: 'Invalid Upgrade header' },
  {
    name: 'a wrong accept key',
    headers: { 'Sec-WebSocket-Accept': 'CxYS6+NgJSBG74mdgLvGscRvpns=' },
    message: 'Invalid Sec-WebSocket-Accept header',
  },
  {
    name: 'no accept key',
    headers: { 'Sec-WebSocket-Accept': undefined },
    message: 'Invalid Sec-WebSocket-Accept header',
  },
  {
    name: 'a subprotocol nobody asked for',
    headers: { 'Sec-WebSocket-Protocol': 'foo' },
    message: 'Server sent a subprotocol but none was requested',
  },
  {
    name: 'another subprotocol than asked for',
    headers: { 'Sec-WebSocket-Protocol': 'baz' },
    protocols: ['foo', 'bar'],
    message: 'Server sent an invalid subprotocol',
  },
  {
    name: 'two subprotocols',
    headers: { 'Sec-WebSocket-Protocol': 'foo, bar' },
    protocols: ['foo', 'bar'],
    message: 'Server sent an invalid subprotocol',
  },
  { name: 'no subprotocol', headers: {}, protocols: ['foo'], message: 'Server sent no subprotocol' },
  {
    name: 'an extension when none was offered',
    headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
    options: { perMessageDeflate: false },
    message: NOT_REQUESTED,
  },
  {
    name: 'an extensions header that does not parse',
    headers: { 'Sec-WebSocket-Extensions': 'foo;=' },
    message: 'Invalid Sec-WebSocket-Extensions header',
  },
  {
    name: 'another extension than offered',
    headers: { 'Sec-WebSocket-Extensions': 'foo' },
    message: 'Server indicated an extension that was not requested',
  },
  {
    name: 'one extension more than offered',
    headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate, foo' },
    message: 'Server indicated an extension that was not requested',
  },
  ...[
    'server_max_window_bits=16',
    'server_max_window_bits=7',
    'client_max_window_bits',
    'client_max_window_bits=1000',
    'client_no_context_takeover=1',
    'unknown',
    'server_no_context_takeover; server_no_context_takeover',
  ].map((parameters) => ({
    name: `permessage-deflate with ${parameters}`,
    headers: { 'Sec-WebSocket-Extensions': `permessage-deflate; ${parameters}` },
    message: 'Invalid Sec-WebSocket-Extensions header',
  })),
];

contract('client handshake failures', (implementation) => {
  for (const row of ROWS) {
    it(`${row.message}: after ${row.name}, with one error, close 1006 and the socket destroyed`, async () => {
      const server = await answering(({ peer, request }) => peer.write(responseHead(request, row.headers)));
      const ws = dial(implementation, server.url, row.protocols, row.options);
      ws.on('open', () => expect.unreachable());
      const end = await ending(ws);
      expect(end).toMatchObject({ code: 1006, reason: '', errors: 1, error: { message: row.message } });
      expect(end.error).toBeInstanceOf(Error);
      expect(ws.readyState).toBe(3);
      await (
        await server.first
      ).peer.closed;
    });
  }

  it('a Connection header that is no list of tokens (D3), and a number with a leading zero (D7), which ws takes', async () => {
    for (const [headers, message] of [
      [{ Connection: 'Upgrade, x' }, undefined],
      [{ 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=15' }, undefined],
      [{ Connection: 'Upgrade, a/b' }, 'Invalid Connection header'],
      [
        { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=015' },
        'Invalid Sec-WebSocket-Extensions header',
      ],
    ] as const) {
      const server = await answering(({ peer, request }) => peer.write(responseHead(request, { ...headers })));
      const ws = dial(implementation, server.url);
      if (message === undefined || implementation.name === 'ws') await event(ws, 'open');
      else expect((await ending(ws)).error?.message).toBe(message);
    }
  });

  it('Invalid Upgrade header: letter case of the value does not matter', async () => {
    const server = await answering(({ peer, request }) => peer.write(responseHead(request, { Upgrade: 'WebSocket' })));
    await event(dial(implementation, server.url), 'open');
  });

  it('Unexpected server response: N is the error for every other status', async () => {
    for (const [status, text] of [
      [200, 'OK'],
      [301, 'Moved Permanently'],
      [401, 'Unauthorized'],
      [500, 'Internal Server Error'],
    ] as const) {
      const server = await answering(({ peer }) =>
        peer.write(`HTTP/1.1 ${status} ${text}\r\nContent-Length: 0\r\nLocation: ws://127.0.0.1:1/\r\n\r\n`),
      );
      const ws = dial(implementation, server.url);
      const end = await ending(ws);
      expect(end).toMatchObject({ code: 1006, errors: 1, error: { message: `Unexpected server response: ${status}` } });
      await (
        await server.first
      ).peer.closed;
    }
  });

  it("'unexpected-response': when listened to there is no error, and the request is the user's to end", async () => {
    const { server, url } = await listenHttp();
    server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope');
    });
    const ws = dial(implementation, url);
    const log = recorder(ws);
    const [request, response] = await event<[ClientRequest, IncomingMessage]>(ws, 'unexpected-response');
    expect(response.statusCode).toBe(403);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('nope');
    expect(log).toEqual([]);
    expect(ws.readyState).toBe(ws.CONNECTING);
    request.destroy();
  });

  it('a socket that ends before the answer: is "socket hang up", then close 1006', async () => {
    const server = await answering(({ peer }) => peer.socket.end());
    const end = await ending(dial(implementation, server.url));
    expect(end).toMatchObject({ code: 1006, errors: 1, error: { message: 'socket hang up', code: 'ECONNRESET' } });
  });

  it('an answer that is no HTTP: is the parser error of Node, then close 1006', async () => {
    const server = await answering(({ peer }) => peer.write('garbage\r\n\r\n'));
    const end = await ending(dial(implementation, server.url));
    expect(end.code).toBe(1006);
    expect(end.error?.code).toMatch(/^HPE_/);
  });

  it("error: comes asynchronously, so that listeners added after `new` see it, and 'close' follows it", async () => {
    const server = await answering(({ peer }) => peer.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const ws = dial(implementation, server.url);
    await turn();
    const log = recorder(ws);
    await event(ws, 'close');
    expect(log).toEqual(['error Unexpected server response: 400', 'close 1006']);
  });

  it("'upgrade': carries the response, before the checks and before 'open'", async () => {
    const server = await answering(({ peer, request }) => peer.write(responseHead(request, { 'X-From': 'server' })));
    const ws = dial(implementation, server.url);
    const log = recorder(ws);
    const [response] = await event<[IncomingMessage]>(ws, 'upgrade');
    expect(response).toBeInstanceOf(http.IncomingMessage);
    expect(response.headers['x-from']).toBe('server');
    await turn();
    expect(log).toEqual(['upgrade', 'open']);
  });

  it("'upgrade': closing or terminating inside it ends the connection without 'open'", async () => {
    for (const method of ['close', 'terminate'] as const) {
      const server = await answering(({ peer, request }) => peer.write(responseHead(request)));
      const ws = dial(implementation, server.url);
      const log = recorder(ws);
      ws.on('upgrade', () => ws[method]());
      await event(ws, 'close');
      expect(log).toEqual([
        'upgrade',
        'error WebSocket was closed before the connection was established',
        'close 1006',
      ]);
      await (
        await server.first
      ).peer.closed;
    }
  });

  it('close() or terminate() while connecting: aborts with the error of ws, asynchronously, and the request is gone', async () => {
    for (const method of ['close', 'terminate'] as const) {
      const server = await answering(() => {});
      const ws = dial(implementation, server.url);
      const { peer } = await server.first;
      const log = recorder(ws);
      ws[method]();
      expect(ws.readyState).toBe(ws.CLOSING);
      expect(log).toEqual([]);
      await event(ws, 'close');
      expect(log).toEqual(['error WebSocket was closed before the connection was established', 'close 1006']);
      await peer.closed;
    }
  });

  it('close() right after `new`: aborts before the request has a socket', async () => {
    const server = await answering(() => {});
    const ws = dial(implementation, server.url);
    const end = ending(ws);
    ws.close();
    ws.close();
    expect(await end).toMatchObject({
      code: 1006,
      errors: 1,
      error: { message: 'WebSocket was closed before the connection was established' },
    });
    expect(ws.readyState).toBe(3);
  });

  it("close() in 'error' of a failed handshake: is no second error", async () => {
    const server = await answering(({ peer }) => peer.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const ws = dial(implementation, server.url);
    const closed = vi.fn();
    ws.on('close', closed);
    const end = ending(ws);
    ws.on('error', () => {
      ws.close();
      ws.terminate();
    });
    expect((await end).errors).toBe(1);
    await turn();
    expect(closed).toHaveBeenCalledTimes(1);
  });

  it('after a failed handshake: send() calls back with the error of a closed connection and counts bufferedAmount', async () => {
    const server = await answering(({ peer }) => peer.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const ws: Client = dial(implementation, server.url);
    await ending(ws);
    expect(ws._socket).toBeNull();
    const error = await new Promise((resolve) => {
      ws.send('four', resolve);
    });
    expect(error).toEqual(new Error('WebSocket is not open: readyState 3 (CLOSED)'));
    expect(ws.bufferedAmount).toBe(4);
  });
});
