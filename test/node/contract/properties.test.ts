/** The contract with `ws`: constants and properties of a WebSocket. */
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { format, inspect } from 'node:util';
import { expect, it } from 'vitest';
import { connectingClient, contract, dial, ending, event, listen, pair, rawClient, rawServer } from './harness.js';
import type { Client } from './implementations.js';
import { ownedPairOfStreams } from './streams.js';

const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const;
const ACCESSORS = ['binaryType', 'bufferedAmount', 'extensions', 'isPaused', 'protocol', 'readyState', 'url'] as const;
const HANDLERS = ['onopen', 'onmessage', 'onclose', 'onerror'] as const;

contract('properties', (implementation) => {
  const connecting = (): Client => connectingClient(implementation);

  for (const [value, name] of STATES.entries()) {
    it(`${name}: is ${value} on class and prototype, enumerable, not writable`, () => {
      for (const owner of [implementation.WebSocket, implementation.WebSocket.prototype]) {
        expect(Object.getOwnPropertyDescriptor(owner, name)).toEqual({
          configurable: false,
          enumerable: true,
          value,
          writable: false,
        });
      }
    });
  }

  it('accessors: are enumerable on the prototype, and only binaryType and the handlers can be set', () => {
    for (const name of [...ACCESSORS, ...HANDLERS]) {
      const descriptor = Object.getOwnPropertyDescriptor(implementation.WebSocket.prototype, name);
      const settable = name === 'binaryType' || name.startsWith('on');
      expect(descriptor, name).toMatchObject({ configurable: true, enumerable: true });
      expect(descriptor && 'get' in descriptor, name).toBe(true);
      expect(descriptor?.set === undefined, name).toBe(!settable);
    }
  });

  it('accessors: setting a read-only one throws in strict mode and changes nothing', () => {
    const ws = connecting();
    expect(() => Object.assign(ws, { readyState: 3 })).toThrow(TypeError);
    expect(ws.readyState).toBe(0);
  });

  it('for…in: a WebSocket shows its accessors, as a browser does', () => {
    const names = new Set<string>();
    for (const name in connecting()) names.add(name);
    for (const name of [...ACCESSORS, ...HANDLERS, ...STATES]) expect(names, name).toContain(name);
  });

  it('JSON.stringify and inspect: find no circle in a WebSocket or its server, whatever its state', async () => {
    /** What a structured log keeps of it; console.log and %j must not throw either. */
    const logged = (websocket: object): Record<string, unknown> => {
      for (const depth of [0, 2, 8]) expect(inspect(websocket, { depth })).toMatch(/^<?(?:ref \*1> )?WebSocket/);
      expect(format('%j', websocket)).not.toContain('Circular');
      const line = JSON.stringify({ level: 'info', websocket });
      return (JSON.parse(line) as { websocket: Record<string, unknown> }).websocket;
    };
    expect(logged(connecting())).toMatchObject({ _readyState: 0, _isServer: false });
    // In ws, zlib's handles make circles where it compresses, and so does the timer of a closing handshake.
    for (const perMessageDeflate of implementation.name === 'ws' ? [false] : [false, { threshold: 0 }]) {
      const { client, peer, server } = await pair(implementation, {
        server: { perMessageDeflate },
        client: { perMessageDeflate },
      });
      for (const [websocket, other] of [
        [client, peer],
        [peer, client],
      ] as const) {
        const received = event(other, 'message');
        websocket.onmessage = () => {};
        websocket.addEventListener('close', () => {});
        websocket.send('text that is compressed, or is not');
        websocket.ping();
        await received;
        expect(logged(websocket)).toMatchObject({ _readyState: 1, _isServer: websocket === peer });
        // Made when they are first asked for.
        for (const part of [websocket._socket, websocket._sender, websocket._receiver]) expect(part).toBeTruthy();
        expect(logged(websocket)).toMatchObject({ _readyState: 1, _protocol: '' });
      }
      expect(logged(server)).toMatchObject({ clients: {}, options: { port: 0 } });
      const ended = Promise.all([event(client, 'close'), event(peer, 'close')]);
      client.close();
      if (implementation.name === 'wsimd') expect(logged(client)).toMatchObject({ _readyState: 2 });
      await ended;
      for (const websocket of [client, peer]) expect(logged(websocket)).toMatchObject({ _readyState: 3 });
    }
  });

  it('readyState: goes 0, 1, 2, 3', async () => {
    const { url } = await listen(implementation);
    const ws = dial(implementation, url);
    const states = [ws.readyState];
    await event(ws, 'open');
    states.push(ws.readyState);
    ws.close();
    states.push(ws.readyState);
    await event(ws, 'close');
    states.push(ws.readyState);
    expect(states).toEqual([0, 1, 2, 3]);
  });

  it('url: is the whole URL on a client, undefined on a server', async () => {
    const { client, peer, url } = await pair(implementation);
    expect(client.url).toBe(`${url}/`);
    expect(peer.url).toBeUndefined();
  });

  it("protocol: is '' when none was agreed", async () => {
    const { client, peer } = await pair(implementation);
    expect([client.protocol, peer.protocol, connecting().protocol]).toEqual(['', '', '']);
  });

  it("extensions: is a string, '' or 'permessage-deflate'", async () => {
    const without = await pair(implementation);
    expect([without.client.extensions, without.peer.extensions, connecting().extensions]).toEqual(['', '', '']);
    const deflating = await pair(implementation, { server: { perMessageDeflate: true } });
    expect([deflating.client.extensions, deflating.peer.extensions]).toEqual([
      'permessage-deflate',
      'permessage-deflate',
    ]);
  });

  it('isPaused: tells whether pause() was called', async () => {
    const { client } = await pair(implementation);
    expect(client.isPaused).toBe(false);
    client.pause();
    expect(client.isPaused).toBe(true);
    client.resume();
    expect(client.isPaused).toBe(false);
  });

  it('bufferedAmount: is 0 while connecting and after a send that was written at once', async () => {
    expect(connecting().bufferedAmount).toBe(0);
    const { client, peer } = await pair(implementation);
    client.send('x'.repeat(100));
    peer.send(Buffer.alloc(100));
    expect([client.bufferedAmount, peer.bufferedAmount]).toEqual([0, 0]);
  });

  it('bufferedAmount: counts what the socket has not taken, framing included', () => {
    const { ws, socket } = ownedPairOfStreams(implementation);
    (socket as Duplex & { cork(): void }).cork();
    ws.send('hello');
    expect(ws.bufferedAmount).toBe(7);
    ws.send(Buffer.alloc(200));
    expect(ws.bufferedAmount).toBe(7 + 204);
    socket.uncork();
  });

  it('bufferedAmount: counts what is waiting to be deflated, and is 0 when all is sent', async () => {
    const { peer } = await pair(implementation, { server: { perMessageDeflate: { threshold: 0 } } });
    const sent = new Promise((resolve) => {
      peer.send('a'.repeat(1000));
      peer.send('b'.repeat(500), resolve);
    });
    expect(peer.bufferedAmount).toBe(implementation.differs('D12', { ws: 1500, wsimd: 0 }));
    await sent;
    expect(peer.bufferedAmount).toBe(0);
  });

  it('bufferedAmount: counts a Blob that is being read', async () => {
    const { client } = await pair(implementation);
    const sent = new Promise((resolve) => {
      client.send(new Blob(['x'.repeat(321)]), resolve);
    });
    expect(client.bufferedAmount).toBe(321);
    await sent;
    expect(client.bufferedAmount).toBe(0);
  });

  it('bufferedAmount: send() after close adds the length of the payload', async () => {
    const { client } = await pair(implementation);
    client.close();
    await event(client, 'close');
    const before = client.bufferedAmount;
    client.send('five!');
    expect(client.bufferedAmount - before).toBe(5);
    client.send(Buffer.alloc(7));
    client.send(new Blob(['ab']));
    expect(client.bufferedAmount - before).toBe(14);
    client.ping('abc');
    expect(client.bufferedAmount - before).toBe(17);
  });

  it('binaryType: is nodebuffer by default, takes the four values and ignores others silently', () => {
    const ws = connecting();
    expect(ws.binaryType).toBe('nodebuffer');
    for (const value of ['arraybuffer', 'fragments', 'blob', 'nodebuffer']) {
      ws.binaryType = value;
      expect(ws.binaryType).toBe(value);
      ws.binaryType = 'other';
      expect(ws.binaryType).toBe(value);
    }
  });

  it('onopen onmessage onclose onerror: are null until set', () => {
    const ws = connecting();
    for (const name of HANDLERS) expect(ws[name], name).toBeNull();
    expect(HANDLERS.every((name) => !Object.hasOwn(ws, name))).toBe(true);
  });

  it('_socket: is null before open and the real socket after, on both sides', async () => {
    expect(connecting()._socket).toBeNull();
    const { ws } = await rawClient(implementation);
    expect(ws._socket).toBeInstanceOf(net.Socket);
    expect(ws._socket['remoteAddress']).toBe('127.0.0.1');
    const client = await rawServer(implementation);
    expect(client.ws._socket['remotePort']).toBe(client.port);
  });

  it('_isServer: tells the role', async () => {
    const { client, peer } = await pair(implementation);
    expect([client._isServer, peer._isServer]).toEqual([false, true]);
  });

  it('readyState: of a client whose handshake failed is 3', async () => {
    const ws = dial(implementation, 'ws://127.0.0.1:1');
    await ending(ws);
    expect(ws.readyState).toBe(3);
  });
});
