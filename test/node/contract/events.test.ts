/** The contract with `ws`: the events of a WebSocket and the order they come in. */
import { EventEmitter } from 'node:events';
import { expect, it, vi } from 'vitest';
import { closeCode, responseHead } from '../../support/raw-peer.js';
import {
  answering,
  contract,
  dial,
  ending,
  event,
  listen,
  messages,
  pair,
  rawClient,
  rawRequest,
  rawServer,
  recorder,
  turn,
} from './harness.js';
import type { Client } from './implementations.js';

contract('events', (implementation) => {
  it("'open': on a client comes synchronously in the HTTP 'upgrade' handler, after 'upgrade'", async () => {
    const { url } = await listen(implementation);
    const log: string[] = [];
    const ws = dial(implementation, url);
    ws.on('upgrade', () => {
      log.push('upgrade');
      process.nextTick(() => log.push('tick'));
    });
    ws.on('open', () => log.push(`open ${ws.readyState} ${ws._socket === null}`));
    await event(ws, 'open');
    await turn();
    expect(log).toEqual(['upgrade', 'open 1 false', 'tick']);
  });

  it("'open': on a server is emitted inside handleUpgrade, before anybody can listen", async () => {
    const { server, port } = await listen(implementation);
    const late = vi.fn();
    const emitted: string[] = [];
    class Watching extends implementation.WebSocket {
      override emit(name: string | symbol, ...parameters: unknown[]): boolean {
        emitted.push(String(name));
        return super.emit(name, ...parameters);
      }
    }
    server.options['WebSocket'] = Watching;
    server.on('connection', (ws: Client) => {
      emitted.push('connection');
      ws.on('open', late);
    });
    const connected = event(server, 'connection');
    rawRequest(port);
    await connected;
    await turn();
    expect(emitted.filter((name) => name !== 'newListener').slice(0, 2)).toEqual(['open', 'connection']);
    expect(late).not.toHaveBeenCalled();
  });

  it("'message': carries (Buffer, false) for text and (Buffer, true) for binary", async () => {
    const { ws, peer } = await rawClient(implementation);
    const got: unknown[][] = [];
    ws.on('message', (...parameters: unknown[]) => got.push(parameters));
    const both = messages(ws, 2);
    peer.send({ payload: 'text' }, { opcode: 2, payload: 'bin' });
    await both;
    expect(got).toEqual([
      [Buffer.from('text'), false],
      [Buffer.from('bin'), true],
    ]);
  });

  it('order: frames of one chunk come in the order of the wire, control frames between fragments before the message', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    const closed = event(ws, 'close');
    peer.send(
      { payload: 'a' },
      { opcode: 9, payload: 'p' },
      { fin: false, payload: 'b' },
      { opcode: 10, payload: 'q' },
      { opcode: 0, payload: 'c' },
      { opcode: 2, payload: 'd' },
      { opcode: 8, payload: closeCode(1000) },
    );
    await closed;
    expect(log).toEqual(['text a', 'ping p', 'pong q', 'text bc', 'binary d', 'close 1000']);
  });

  it('order: is the same when every byte is a chunk of its own', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    const closed = event(ws, 'close');
    const wire = Buffer.concat([
      peer.encode({ payload: 'a' }),
      peer.encode({ opcode: 9, payload: 'p' }),
      peer.encode({ fin: false, payload: 'b' }),
      peer.encode({ opcode: 0, payload: 'é' }),
      peer.encode({ opcode: 8, payload: closeCode(1000) }),
    ]);
    for (const octet of wire) {
      peer.write(Buffer.of(octet));
      await turn();
    }
    await closed;
    expect(log).toEqual(['text a', 'ping p', 'text bé', 'close 1000']);
  });

  it('order: with allowSynchronousEvents false the order of the wire is kept, compressed or not', async () => {
    for (const perMessageDeflate of [false, true]) {
      const { client, peer } = await pair(implementation, {
        server: { perMessageDeflate, allowSynchronousEvents: false },
        client: { allowSynchronousEvents: false },
      });
      const log = recorder(peer);
      const closed = event(peer, 'close');
      client.send('one');
      client.ping('two');
      client.send(Buffer.from('three'));
      client.pong('four');
      client.send('five', { fin: false });
      client.send(' six');
      client.close(1000);
      await closed;
      expect(log).toEqual(['text one', 'ping two', 'binary three', 'pong four', 'text five six', 'close 1000']);
    }
  });

  it("'error': after valid messages of the same chunk, then 'close' 1006", async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    const closed = event(ws, 'close');
    peer.send({ payload: 'good' }, { opcode: 9, payload: 'p' }, { opcode: 3 }, { payload: 'never' });
    await closed;
    expect(log).toEqual(['text good', 'ping p', 'error Invalid WebSocket frame: invalid opcode 3', 'close 1006']);
  });

  it("'error': comes once, however many faults follow, and 'close' always follows", async () => {
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    peer.send({ opcode: 3 });
    peer.send({ opcode: 4 }, { rsv2: true });
    await peer.readClose();
    peer.send({ opcode: 5 });
    peer.socket.destroy();
    expect(await end).toMatchObject({ code: 1006, errors: 1 });
  });

  it("'error': readyState is CLOSING in it, CLOSED in 'close'", async () => {
    const { ws, peer } = await rawClient(implementation);
    const states: number[] = [];
    ws.on('error', () => states.push(ws.readyState));
    ws.on('close', () => states.push(ws.readyState));
    const closed = event(ws, 'close');
    peer.send({ opcode: 3 });
    await closed;
    expect(states).toEqual([2, 3]);
  });

  it("'error': code received after it is reported by 'close'", async () => {
    // The peer's Close came before our fault was found: none can, so the code stays 1006 whatever the peer answers.
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    peer.send({ opcode: 3 });
    expect((await peer.readClose()).code).toBe(1002);
    peer.close(1000);
    expect((await end).code).toBe(1006);
  });

  it("'error' without a listener: from a peer's fault (D2)", async () => {
    const { ws, peer } = await rawClient(implementation);
    const uncaught: unknown[] = [];
    const emit = ws.emit.bind(ws);
    ws.emit = (name: string | symbol, ...parameters: unknown[]): boolean => {
      try {
        return emit(name, ...parameters);
      } catch (error) {
        uncaught.push(error);
        return false;
      }
    };
    const closed = event(ws, 'close');
    peer.send({ opcode: 3 });
    await closed;
    expect(uncaught).toHaveLength(implementation.differs('D2', { ws: 1, wsimd: 0 }));
  });

  it("'close': is the last event, messages of the same chunk come before it", async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    const closed = event(ws, 'close');
    peer.write(Buffer.concat([peer.encode({ payload: 'a' }), peer.encode({ payload: 'b' })]));
    peer.socket.end();
    await closed;
    await turn();
    expect(log).toEqual(['text a', 'text b', 'close 1006']);
  });

  it("'close': comes after the socket's own 'close' began, with the socket destroyed", async () => {
    const { client } = await pair(implementation);
    const socket = client._socket;
    const destroyed: boolean[] = [];
    client.on('close', () => destroyed.push(socket.destroyed));
    client.close();
    await event(client, 'close');
    expect(destroyed).toEqual([true]);
  });

  it("frames glued to the handshake: come after 'open' on a client, in order", async () => {
    const server = await answering(() => {});
    const ws = dial(implementation, server.url);
    const log = recorder(ws);
    const { peer, request } = await server.first;
    const closed = event(ws, 'close');
    peer.write(
      Buffer.concat([
        Buffer.from(responseHead(request)),
        peer.encode({ payload: 'glued' }),
        peer.encode({ opcode: 9, payload: 'p' }),
        peer.encode({ opcode: 8, payload: closeCode(1000) }),
      ]),
    );
    await closed;
    expect(log).toEqual(['upgrade', 'open', 'text glued', 'ping p', 'close 1000']);
  });

  it("frames glued to the handshake: listeners added in 'connection' see them on a server, in order", async () => {
    const { server, port } = await listen(implementation);
    const log: string[] = [];
    const done = new Promise<void>((resolve) => {
      server.on('connection', (ws: Client) => {
        ws.on('message', (data: Buffer) => {
          log.push(data.toString());
          if (log.length === 3) resolve();
        });
      });
    });
    const frame = (text: string): Buffer =>
      Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
    rawRequest(port, { after: Buffer.concat([frame('1'), frame('2'), frame('3')]) });
    await done;
    expect(log).toEqual(['1', '2', '3']);
  });

  it('EventEmitter: the whole face of it is there', () => {
    const ws = new implementation.WebSocket(null, undefined, {});
    expect(ws).toBeInstanceOf(EventEmitter);
    const listener = vi.fn();
    ws.once('ping', listener);
    ws.prependListener('ping', () => listener('first'));
    expect(ws.eventNames()).toEqual(['ping']);
    ws.emit('ping', Buffer.from('x'));
    expect(listener.mock.calls).toEqual([['first'], [Buffer.from('x')]]);
    ws.off('ping', listener);
    ws.removeAllListeners();
    expect(ws.eventNames()).toEqual([]);
  });

  it('listeners thrown away: removeAllListeners() on a live connection stops messages but not the closing', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.on('message', () => expect.unreachable());
    ws.removeAllListeners();
    peer.send({ payload: 'unheard' });
    peer.send({ opcode: 9, payload: 'p' });
    expect(await peer.readFrame()).toMatchObject({ opcode: 10 });
    peer.close(1000);
    expect((await peer.readClose()).code).toBe(1000);
  });

  it('nobody listens: messages, pings and the closing go on', async () => {
    const { ws, peer } = await rawServer(implementation);
    peer.send({ payload: 'unheard' }, { opcode: 9 }, { opcode: 8, payload: closeCode(1000) });
    expect((await peer.readFrame()).opcode).toBe(10);
    expect((await peer.readFrame()).opcode).toBe(8);
    await event(ws, 'close');
  });
});
