/** Users of `ws` put flags and methods on sockets and servers: nothing of ours is in their way, and names of `ws` are there. */
import { EventEmitter } from 'node:events';
import type http from 'node:http';
import { expect, it, vi } from 'vitest';
import { WebSocket as TheirSocket, WebSocketServer as TheirServer } from 'ws';
import { encodeFrame } from '../../support/raw-peer.js';
import { contract, dial, ending, event, listen, message, messages, ownedServer, pair, rawClient } from './harness.js';
import type { Client } from './implementations.js';

/** The README's additions. */
const ADDED = ['needDrain', 'statistics', 'closeInfo', 'broadcast', 'drain', 'handleConnect'];
const FLAGS =
  'alive closed ended state server id user room dispatch failed drained rest connection transport session options socket request data context name token queue origins openConnections removeListeners createServer listenTo gate held pacing callbacks flush read write end destroy start stop tell finish isAlive subscriptions flights interrupted onClosed regulate needDrain closeInfo statistics'.split(
    ' ',
  );

/** Every name on an object and on the classes of its own module above EventEmitter. */
function namesOf(object: object): string[] {
  const names = new Set<string>();
  for (let at: object = object; at !== EventEmitter.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names];
}

contract('names', (implementation) => {
  it('on sockets and servers stand those of ws, and the additions that the README lists', async () => {
    const ours = await pair(implementation);
    const theirs = await new Promise<{ client: object; peer: object; server: object }>((resolve) => {
      const server = new TheirServer({ port: 0, host: '127.0.0.1' }, () => {
        const client = new TheirSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
        server.on('connection', (peer) => client.on('open', () => resolve({ client, peer, server })));
      });
      ownedServer(server as never);
    });
    const known = new Set([...namesOf(theirs.client), ...namesOf(theirs.peer), ...ADDED]);
    for (const end of [ours.client, ours.peer]) {
      expect(namesOf(end).filter((name) => !known.has(name))).toEqual([]);
      expect(
        Object.getOwnPropertySymbols(end).filter(
          ({ description }) => !/^(shapeMode|kCapture|kListener)$/.test(description!),
        ),
      ).toEqual([]);
    }
    const ofServer = new Set([...namesOf(theirs.server), ...ADDED]);
    expect(namesOf(ours.server).filter((name) => !ofServer.has(name))).toEqual([]);
    (theirs.client as TheirSocket).terminate();
  });

  it.each([
    ['values', () => true],
    ['methods', () => vi.fn(() => undefined)],
  ])('%s of an application under every plausible name leave a whole conversation alone', async (_kind, make) => {
    class Socket extends (implementation.WebSocket as unknown as new (...given: never[]) => Client) {}
    const called: string[] = [];
    for (const name of FLAGS) {
      const value: unknown = make();
      if (typeof value === 'function') {
        Object.defineProperty(Socket.prototype, name, {
          value: () => called.push(name),
          writable: true,
          configurable: true,
        });
      }
    }
    const { server, url } = await listen(implementation, { WebSocket: Socket, perMessageDeflate: { threshold: 0 } });
    for (const name of FLAGS) {
      if (!['options', 'statistics'].includes(name)) (server as unknown as Record<string, unknown>)[name] = make();
    }
    const connected = event<[Client]>(server, 'connection');
    const client = dial(implementation, url);
    for (const name of FLAGS) (client as unknown as Record<string, unknown>)[name] = make();
    await event(client, 'open');
    const [peer] = await connected;
    for (const name of FLAGS) (peer as unknown as Record<string, unknown>)[name] = make();
    peer.on('message', (data: Buffer, isBinary: boolean) => peer.send(data, { binary: isBinary }));
    const got = messages(client, 30);
    for (let i = 0; i < 29; i++) client.send(`text ${i}`);
    client.send(Buffer.alloc(300_000, 1));
    expect((await got).at(-1)!.data.length).toBe(300_000);
    const ponged = event(client, 'pong');
    client.ping('p');
    await ponged;
    client.pause();
    peer.send('later');
    const later = message(client);
    client.resume();
    await later;
    const ends = [ending(client), ending(peer)];
    client.close(1000, 'done');
    expect((await Promise.all(ends)).map(({ code }) => code)).toEqual([1000, 1000]);
    expect(called).toEqual([]);
    const first = FLAGS[0];
    expect((peer as unknown as Record<string, unknown>)[first]).toBeDefined();
  });

  it('a peer that resets, ends early or breaks the protocol ends such a socket as any other', async () => {
    for (const how of ['reset', 'end', 'break'] as const) {
      const { ws: peer, peer: raw } = await rawClient(implementation);
      for (const name of FLAGS) (peer as unknown as Record<string, unknown>)[name] = true;
      const ended = ending(peer);
      if (how === 'reset') raw.reset();
      else if (how === 'end') raw.socket.end();
      else raw.write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]));
      expect((await ended).code).toBe(1006);
    }
  });

  it('_sender: one object, on which a program wraps sendFrame to see every frame, pongs and Close included', async () => {
    const { ws: peer, peer: raw } = await rawClient(implementation);
    const { _sender: sender } = peer;
    expect(peer._sender).toBe(sender);
    const seen: string[] = [];
    const sendFrame = sender.sendFrame.bind(sender);
    sender.sendFrame = function (list, callback) {
      seen.push(Buffer.concat(list.map((part) => Buffer.from(part))).toString('latin1'));
      return sendFrame(list, callback);
    };
    peer.on('message', (data: Buffer, isBinary: boolean) => peer.send(data, { binary: isBinary }));
    const sent = ['one', 'two', 'x'.repeat(200), 'y'.repeat(70_000)];
    raw.write(Buffer.concat(sent.map((payload) => encodeFrame({ payload, masked: true }))));
    raw.write(encodeFrame({ opcode: 9, payload: 'ping', masked: true }));
    const got: Buffer[] = [];
    for (let i = 0; i < 5; i++) got.push((await raw.readFrame()).payload);
    expect(got.map(String).sort()).toEqual([...sent, 'ping'].sort());
    const told = new Promise((resolve) => {
      peer.send('told', resolve);
    });
    expect((await raw.readFrame()).payload.toString()).toBe('told');
    expect(await told).toBeFalsy();
    peer.close(4000);
    expect((await raw.readFrame()).opcode).toBe(8);
    expect(seen.length).toBe(7);
    expect(seen.filter((frame) => frame.endsWith('two')).length).toBe(1);
    const { _socket, _bufferedBytes } = sender as unknown as { _socket: unknown; _bufferedBytes: number };
    expect([_socket === peer._socket, _bufferedBytes]).toEqual([true, 0]);
  });

  it('_receiver: an emitter whose listeners a program takes away, and limits that it changes', async () => {
    const { ws: peer, peer: raw } = await rawClient(implementation);
    const receiver = peer._receiver as unknown as EventEmitter & { _maxPayload: number; _skipUTF8Validation: boolean };
    expect(receiver).toBeInstanceOf(EventEmitter);
    expect([receiver._maxPayload, receiver._skipUTF8Validation]).toEqual([100 * 1024 * 1024, false]);
    const pings = vi.fn();
    peer.on('ping', pings);
    receiver.removeAllListeners('ping');
    raw.send({ opcode: 9, payload: 'unanswered' });
    raw.send({ payload: 'still heard' });
    expect((await message(peer)).data.toString()).toBe('still heard');
    expect(pings).not.toHaveBeenCalled();
    receiver._maxPayload = 10;
    const ended = ending(peer);
    raw.send({ payload: 'more than ten bytes' });
    const frame = await raw.readFrame();
    expect([frame.opcode, frame.payload.readUInt16BE()]).toEqual([8, 1009]);
    raw.socket.destroy();
    expect((await ended).error!.code).toBe('WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
  });

  it.each(['instance', 'prototype'] as const)('pong overridden on the %s answers pings', async (where) => {
    class Socket extends (implementation.WebSocket as unknown as new (...given: never[]) => Client) {}
    const pongs = vi.fn();
    if (where === 'prototype') Socket.prototype.pong = pongs;
    const { server, url } = await listen(implementation, { WebSocket: Socket });
    const connected = event<[Client]>(server, 'connection');
    const client = dial(implementation, url);
    await event(client, 'open');
    const [peer] = await connected;
    if (where === 'instance') peer.pong = pongs;
    const pinged = event(peer, 'ping');
    client.ping('question');
    await pinged;
    expect(String(pongs.mock.calls[0][0])).toBe('question');
    expect(pongs).toHaveBeenCalledTimes(1);
  });

  it('_autoPong, _paused, _closeTimer, _closeCode, _closeMessage: are there', async () => {
    const { client, peer } = await pair(implementation);
    const inner = peer as unknown as Record<string, unknown>;
    expect([inner._autoPong, inner._paused, inner._closeTimer]).toEqual([true, false, null]);
    peer.pause();
    expect(inner._paused).toBe(true);
    peer.resume();
    inner._autoPong = false;
    const ping = event(peer, 'ping');
    const pong = vi.fn();
    client.on('pong', pong);
    client.ping();
    await ping;
    client.close(4001, 'why');
    expect((client as unknown as Record<string, unknown>)._closeTimer).not.toBe(null);
    await event(peer, 'close');
    expect(pong).not.toHaveBeenCalled();
    expect([inner._closeCode, String(inner._closeMessage)]).toEqual([4001, 'why']);
  });

  it('methods overridden on a prototype are called: emit, close, terminate, send', async () => {
    const called: string[] = [];
    class Socket extends (implementation.WebSocket as unknown as new (...given: never[]) => Client) {
      override emit(name: string, ...given: unknown[]): boolean {
        called.push(name);
        return super.emit(name, ...given);
      }
    }
    const { server, url } = await listen(implementation, { WebSocket: Socket });
    const connected = event<[Client, http.IncomingMessage]>(server, 'connection');
    const client = dial(implementation, url);
    const [peer] = await connected;
    const got = messages(peer, 1);
    if (client.readyState === client.CONNECTING) await event(client, 'open');
    client.send('x');
    await got;
    client.terminate();
    await event(peer, 'close');
    expect(called.filter((name) => ['message', 'close'].includes(name))).toEqual(['message', 'close']);
  });
});
