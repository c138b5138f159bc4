/** The contract with `ws`: methods that an application, or a tool that watches it, puts in the place of the library's own. */
import { expect, it, onTestFinished } from 'vitest';
import { contract, ending, event, message, pair, rawClient, turn } from './harness.js';
import type { Client } from './implementations.js';

type Method = (this: { _isServer?: boolean }, ...parameters: unknown[]) => unknown;

/** Puts a method in the place of each of these that notes its call in `log` and goes on; ends with the test. */
function watch(log: string[], holder: object, names: readonly string[], label: (self: object) => string): void {
  const methods = holder as Record<string, Method>;
  for (const name of names) {
    const own = Object.getOwnPropertyDescriptor(methods, name);
    const original = methods[name];
    methods[name] = function (this: object, ...parameters: unknown[]) {
      const event = name === 'emit' ? ` ${String(parameters[0])}` : '';
      log.push(`${label(this)}.${name}${event}`);
      return original.apply(this, parameters);
    };
    onTestFinished(() => {
      if (own === undefined) delete methods[name];
      else Object.defineProperty(methods, name, own);
    });
  }
}

const role = (self: object): string => ((self as { _isServer: boolean })._isServer ? 'server' : 'client');

contract('patched methods', (implementation) => {
  const { WebSocket, WebSocketServer, Receiver } = implementation;

  it('patched: a connection that is open already calls the new methods of the prototype', async () => {
    const { client, peer } = await pair(implementation);
    const log: string[] = [];
    watch(log, WebSocket.prototype, ['send', 'ping', 'pong', 'close', 'terminate', 'emit'], role);
    peer.on('message', (data: Buffer) => peer.send(data));
    client.send('a');
    await message(client);
    client.ping();
    await event(client, 'pong');
    const ends = Promise.all([ending(client), ending(peer)]);
    client.close(1000, 'bye');
    await ends;
    // In which order two ends of one machine come to their end is not for this test.
    expect(log.filter((line) => line.startsWith('client'))).toEqual([
      'client.send',
      'client.emit message',
      'client.ping',
      'client.emit pong',
      'client.close',
      'client.close',
      'client.emit close',
    ]);
    expect(log.filter((line) => line.startsWith('server'))).toEqual([
      'server.emit message',
      'server.send',
      'server.pong',
      'server.emit ping',
      'server.close',
      'server.emit close',
    ]);
  });

  it('patched: a pong is called for a ping with a mask and a callback, by both roles', async () => {
    const { client, peer } = await pair(implementation);
    for (const [ws, other] of [
      [client, peer],
      [peer, client],
    ] as const) {
      const calls: unknown[][] = [];
      ws.pong = (...parameters) => {
        calls.push(parameters.map((value) => (typeof value === 'function' ? value.call(ws) : String(value))));
        WebSocket.prototype.pong.apply(ws, parameters);
      };
      other.ping('x');
      expect(String((await event(other, 'pong'))[0])).toBe('x');
      expect(calls).toEqual([['x', String(ws === client), undefined]]);
    }
    client.terminate();
  });

  it('patched: an addEventListener sees handlers such as onmessage', () => {
    class Watched extends WebSocket {
      seen: string[] = [];
      override addEventListener(...parameters: Parameters<Client['addEventListener']>): void {
        this.seen.push(parameters[0]);
        super.addEventListener(...parameters);
      }
    }
    const ws = new Watched(null, undefined, {});
    const handler = (): void => {};
    ws.onmessage = handler;
    ws.onmessage = handler;
    ws.onclose = null;
    ws.addEventListener('message', handler);
    expect(ws.seen).toEqual(['message', 'message', 'message']);
    expect([ws.onmessage, ws.listenerCount('message')]).toEqual([handler, 2]);
  });

  it('patched: the methods of the server are called for each connection', async () => {
    const log: string[] = [];
    const before = await pair(implementation);
    watch(log, WebSocketServer.prototype, ['handleUpgrade', 'completeUpgrade', 'shouldHandle', 'emit'], () => 'server');
    watch(log, WebSocket.prototype, ['setSocket'], role);
    const client = new WebSocket(before.url);
    await event(client, 'open');
    expect(log.filter((line) => line !== 'server.emit connection').sort()).toEqual([
      'client.setSocket',
      'server.completeUpgrade',
      'server.emit headers',
      'server.handleUpgrade',
      'server.setSocket',
      'server.shouldHandle',
    ]);
    client.terminate();
  });

  it('patched: a close that is called for the peer’s Close decides about the answer', async () => {
    const { ws, peer } = await rawClient(implementation);
    const seen: unknown[] = [];
    ws.close = (code, reason) => {
      seen.push(ws.readyState, code, String(reason));
      WebSocket.prototype.close.call(ws, 4000, 'mine');
    };
    const end = ending(ws);
    peer.close(1001, 'yours');
    expect(await peer.readClose()).toEqual({ code: 4000, reason: 'mine' });
    expect(await end).toMatchObject({ code: 1001, reason: 'yours', errors: 0 });
    expect(seen).toEqual([1, 1001, 'yours']);
  });

  it('patched: a close that waits leaves time to send before the answer', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.close = () => {
      setImmediate(() => {
        ws.send('last');
        WebSocket.prototype.close.call(ws, 1000);
      });
    };
    const end = ending(ws);
    peer.close();
    expect(await peer.readFrame()).toMatchObject({ opcode: 1, payload: Buffer.from('last') });
    expect(await peer.readClose()).toEqual({ code: 1000, reason: '' });
    expect(await end).toMatchObject({ code: 1005, errors: 0 });
  });

  it('patched: a close without a code is called without one', async () => {
    const { ws, peer } = await rawClient(implementation);
    const calls: unknown[][] = [];
    ws.close = (...parameters) => {
      calls.push(parameters);
      WebSocket.prototype.close.apply(ws, parameters);
    };
    const end = ending(ws);
    peer.close();
    expect(await peer.readFrame()).toMatchObject({ opcode: 8, payload: Buffer.alloc(0) });
    await end;
    expect(calls).toEqual([[]]);
  });

  it('patched: close is called with the code of a violation, before error', async () => {
    const { ws, peer } = await rawClient(implementation);
    const seen: unknown[] = [];
    ws.close = (code, reason) => {
      seen.push(code);
      WebSocket.prototype.close.call(ws, code, reason);
    };
    ws.on('error', () => seen.push('error'));
    const closed = event(ws, 'close');
    peer.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
    expect(await peer.readClose()).toMatchObject({ code: 1002 });
    peer.socket.destroy();
    await closed;
    expect(seen).toEqual([1002, 'error']);
  });

  it('patched: an `on` put on Receiver sees the listeners of connections that open later, and what they are told', async () => {
    const log: unknown[] = [];
    const { prototype } = Receiver as unknown as { prototype: { on: Method } };
    const own = Object.getOwnPropertyDescriptor(prototype, 'on');
    const { on } = prototype;
    prototype.on = function (name, listener) {
      if (name !== 'message') return on.call(this, name, listener);
      return on.call(this, name, function (this: object, data: Buffer, isBinary: boolean) {
        log.push([String(data), isBinary]);
        (listener as Method).call(this, data, isBinary);
      });
    };
    onTestFinished(() => {
      if (own === undefined) delete (prototype as Partial<typeof prototype>).on;
      else Object.defineProperty(prototype, 'on', own);
    });
    const { client, peer } = await pair(implementation);
    const told = message(peer);
    client.send('text');
    expect(String((await told).data)).toBe('text');
    client.send(Buffer.from('bytes'));
    await message(peer);
    await turn();
    expect(log).toEqual([
      ['text', false],
      ['bytes', true],
    ]);
  });
});
