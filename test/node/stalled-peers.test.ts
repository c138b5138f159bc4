// Peers that do not read: work and memory stay linear in the bytes that wait, and nothing of another connection waits there.
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket as Theirs, WebSocketServer as TheirServer } from 'ws';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { requestHead } from '../support/raw-peer.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A stream that takes the first write and then does not go on until it is told to. */
class Stalling extends Duplex {
  release: (() => void) | undefined;
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, callback: () => void): void {
    this.release = callback;
  }
  override _writev(_chunks: unknown[], callback: () => void): void {
    this.release = callback;
  }
}

/** The classes of each implementation, `ws` in the shape of ours. */
const SIDES = [
  ['ws', Theirs as never, TheirServer as never],
  ['wsimd', WebSocket, WebSocketServer],
] as const satisfies readonly [string, typeof WebSocket, typeof WebSocketServer][];
const OPTIONS = { maxPayload: 0, skipUTF8Validation: false, allowSynchronousEvents: true, autoPong: true };

/** The processor time, in microseconds, of as many sends in ticks of their own, and of their being written. */
async function timeOf(Class: typeof WebSocket, sends: number): Promise<number> {
  const socket = new Stalling();
  const websocket = new Class(null, undefined, OPTIONS);
  websocket.setSocket(socket, Buffer.alloc(0), OPTIONS);
  const told: number[] = [];
  const message = Buffer.alloc(13);
  const start = process.cpuUsage();
  for (let i = 0; i < sends; i++) {
    websocket.send(message, i % 16 === 0 ? () => told.push(i) : undefined);
    if (i % 16 === 0) await Promise.resolve();
  }
  while (websocket.bufferedAmount > 0) {
    socket.release!();
    await new Promise(setImmediate);
  }
  const { user, system } = process.cpuUsage(start);
  expect(told.length).toBe(Math.ceil(sends / 16));
  websocket.terminate();
  return user + system;
}

describe.each(SIDES)('%s', (_name, Class, ServerClass) => {
  test('sends to a peer that does not read, and the writing of them, take time in proportion to their number', async () => {
    await timeOf(Class, 20_000);
    const [few, many] = [await timeOf(Class, 20_000), await timeOf(Class, 400_000)];
    // 20 times as many; quadratic would be 400 times the work.
    expect(many / few).toBeLessThan(80);
  });

  test('short messages to many peers, of which some do not read, hold memory for the bytes that wait', async () => {
    const server = new ServerClass({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const peers: Socket[] = [];
    onTestFinished(() => peers.forEach((peer) => peer.destroy()));
    for (let i = 0; i < 60; i++) {
      const peer = connect(port, '127.0.0.1');
      peers.push(peer);
      peer.write(requestHead());
      await once(peer, 'data');
      if (i % 3 === 0) peer.pause();
      else peer.resume();
    }
    const clients = [...server.clients!] as WebSocket[];
    // The system's buffers of those that do not read are full from here on.
    const filler = Buffer.alloc(8 * 1024 * 1024);
    for (const [i, client] of clients.entries()) if (i % 3 === 0) client.send(filler);
    // What the peers of this process have read of it counts as theirs.
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 300; round++) {
      for (const client of clients) client.send(Buffer.alloc(16, round));
      if (round % 10 === 0) await new Promise(setImmediate);
    }
    const waiting =
      clients.reduce((bytes, client) => bytes + client.bufferedAmount, 0) - (clients.length / 3) * filler.length;
    collect();
    await new Promise(setImmediate);
    collect();
    const held = process.memoryUsage().arrayBuffers - before;
    expect(held).toBeLessThan(4 * waiting + 256 * 1024);
    for (const client of clients) client.terminate();
  });
});

test('nothing that can be reached from a stalled socket holds bytes of another connection', async () => {
  const mark = 'foreign-mark-';
  const talk = async (count: number): Promise<void> => {
    const socket = new Stalling();
    const websocket = new WebSocket(null);
    websocket.setSocket(socket, Buffer.alloc(0));
    for (let i = 0; i < count; i++) websocket.send(mark.repeat(20));
    socket.release!();
    await new Promise(setImmediate);
    websocket.terminate();
  };
  await talk(200);
  const socket = new Stalling();
  const websocket = new WebSocket(null);
  websocket.setSocket(socket, Buffer.alloc(0));
  for (let i = 0; i < 5; i++) websocket.send('own');
  await talk(3);
  const found: string[] = [];
  const seen = new Set<unknown>();
  const look = (value: unknown, path: string): void => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) {
      if (Buffer.from(value.buffer as ArrayBuffer).includes(mark)) found.push(path);
      return;
    }
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Object.getOwnPropertyDescriptor(value, key)!;
      if ('value' in descriptor) look(descriptor.value, `${path}.${String(key)}`);
    }
    look(Object.getPrototypeOf(value), `${path}.prototype`);
  };
  look(websocket, 'websocket');
  look(socket, 'socket');
  expect(seen.size).toBeGreaterThan(50);
  expect(found).toEqual([]);
  websocket.terminate();
});
