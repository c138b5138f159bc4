// RFC 7692 on the wire: what a peer of bare frames sees of our server and of our client, good, odd and wrong.
import { constants, inflateRawSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { turns } from '../../../src/node/deflate/turns.js';
import { compressed, jsonLike, noise, seeded } from '../../support/deflate.js';
import type { RawFrame, RawFrameOptions, RawPeer } from '../../support/raw-peer.js';
import { ending, event, message, messages, pair, rawClient, rawServer, turn } from '../contract/harness.js';
import type { Client } from '../contract/implementations.js';
import { ours } from '../scripted.js';

const MiB = 1024 * 1024;
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const HEADERS = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };

type Options = Record<string, unknown>;
type Open = (options?: Options) => Promise<{ ws: Client; peer: RawPeer }>;

const ROLES: { role: string; open: Open }[] = [
  {
    role: 'server',
    open: (options) => rawClient(ours, { perMessageDeflate: { threshold: 0 }, ...options }, { headers: HEADERS }),
  },
  {
    role: 'client',
    open: (options) => rawServer(ours, { perMessageDeflate: { threshold: 0 }, ...options }, { headers: HEADERS }),
  },
];

const inflated = (frames: RawFrame[]): Buffer =>
  inflateRawSync(Buffer.concat([...frames.map(({ payload }) => payload), TAIL]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });

async function read(peer: RawPeer, count: number): Promise<RawFrame[]> {
  const frames: RawFrame[] = [];
  while (frames.length < count) frames.push(await peer.readFrame());
  return frames;
}

const long = jsonLike(400_000, seeded(1));
const hello = compressed('Hello');
// Never all of its output in one step.
const bomb = compressed(Buffer.alloc(3 * MiB));

describe.each(ROLES)('as a $role', ({ open }) => {
  test.each<{ name: string; frames: RawFrameOptions[] }>([
    {
      name: 'a continuation',
      frames: [
        { rsv1: true, fin: false, payload: hello },
        { rsv1: true, opcode: 0 },
      ],
    },
    {
      name: 'a continuation of a message without it',
      frames: [
        { fin: false, payload: 'a' },
        { rsv1: true, opcode: 0 },
      ],
    },
    { name: 'a Ping', frames: [{ rsv1: true, opcode: 9 }] },
    { name: 'a Pong', frames: [{ rsv1: true, opcode: 10 }] },
    { name: 'a Close', frames: [{ rsv1: true, opcode: 8 }] },
  ])('RFC 7692 6.1: RSV1 on $name fails with 1002', async ({ frames }) => {
    const { ws, peer } = await open();
    const end = ending(ws);
    peer.send(...frames);
    expect(await peer.readClose()).toEqual({ code: 1002, reason: '' });
    expect((await end).error).toMatchObject({ code: 'WS_ERR_UNEXPECTED_RSV_1' });
  });

  test('RFC 6455 5.2: RSV1 fails with 1002 where nothing was agreed', async () => {
    const { ws, peer } = await (open === ROLES[0].open
      ? rawClient(ours, { perMessageDeflate: true })
      : rawServer(ours, { perMessageDeflate: true }));
    const end = ending(ws);
    peer.send({ rsv1: true, payload: hello });
    expect((await peer.readClose()).code).toBe(1002);
    expect((await end).error).toMatchObject({ code: 'WS_ERR_UNEXPECTED_RSV_1' });
  });

  test('B09: compress: false leaves RSV1 clear and the bytes as they are, message by message and for all fragments of one', async () => {
    const { ws, peer } = await open();
    for (const compress of [true, false, undefined, false, true]) ws.send(long, { compress });
    ws.send('one', { compress: false, fin: false });
    ws.send('two', { compress: true });
    const frames = await read(peer, 7);
    // As in ws, an option that is there counts even if it is undefined.
    expect(frames.map(({ rsv1 }) => rsv1)).toEqual([true, false, false, false, true, false, false]);
    for (const at of [1, 2, 3]) expect(frames[at].payload.equals(long)).toBe(true);
    expect(frames[0].payload.length).toBeLessThan(long.length / 2);
    expect(frames.slice(5).map(({ payload }) => payload.toString())).toEqual(['one', 'two']);
  });

  test('RFC 7692 7.2.1: fragments are compressed one by one, empty ones too, and inflate to the message together', async () => {
    const { ws, peer } = await open();
    const parts = [Buffer.from('one '), Buffer.alloc(0), long, Buffer.from(' two'), Buffer.alloc(0)];
    parts.forEach((part, at) => ws.send(part, { fin: at === parts.length - 1 }));
    const frames = await read(peer, parts.length);
    expect(frames.map(({ rsv1, opcode, fin }) => [rsv1, opcode, fin])).toEqual([
      [true, 2, false],
      [false, 0, false],
      [false, 0, false],
      [false, 0, false],
      [false, 0, true],
    ]);
    expect(inflated(frames).equals(Buffer.concat(parts))).toBe(true);
  });

  test('RFC 7692 7.2.3.6: an empty message is sent as one byte', async () => {
    const { ws, peer } = await open();
    ws.send('');
    expect(await peer.readFrame()).toMatchObject({ rsv1: true, fin: true, opcode: 1, payload: Buffer.of(0) });
  });

  test.each([
    { name: 'one block (RFC 7692 7.2.3.1)', wire: 'f248cdc9c90700' },
    { name: 'stored blocks (7.2.3.3)', wire: '000500faff48656c6c6f00' },
    { name: 'a final block (7.2.3.4)', wire: 'f348cdc9c9070000' },
    { name: 'a final block, and no byte after it', wire: 'f348cdc9c90700' },
    { name: 'two blocks (7.2.3.5)', wire: 'f248050000 00ffffcac9c90700' },
  ])('RFC 7692 7.2.2: $name in one frame, byte by byte and with empty fragments is one message', async ({ wire }) => {
    const { ws, peer } = await open();
    const octets = Buffer.from(wire.replace(' ', ''), 'hex');
    const pieces = Array.from(octets, (octet) => [Buffer.of(octet), Buffer.alloc(0)]).flat();
    const got = messages(ws, 3);
    peer.send({ rsv1: true, payload: octets });
    peer.send({ rsv1: true, fin: false }, ...pieces.map((payload) => ({ opcode: 0, fin: false, payload })), {
      opcode: 0,
    });
    peer.send({ rsv1: true, payload: hello });
    expect((await got).map(({ data }) => data.toString())).toEqual(['Hello', 'Hello', 'Hello']);
  });

  test('RFC 7692 7.2.3.6: the byte that stands for an empty message is one, also between empty fragments', async () => {
    const { ws, peer } = await open();
    const got = messages(ws, 3);
    peer.send({ rsv1: true, payload: Buffer.of(0) });
    peer.send({ rsv1: true, fin: false }, { opcode: 0, fin: false, payload: Buffer.of(0) }, { opcode: 0 });
    peer.send({ rsv1: true, payload: hello });
    expect((await got).map(({ data }) => data.toString())).toEqual(['', '', 'Hello']);
  });

  test.each([
    { name: 'an invalid block type', payload: Buffer.of(0x06) },
    { name: 'a distance that reaches back too far', payload: Buffer.from([0x4b, 0x04, 0x61, 0x00]) },
    { name: 'a long message, wrong at its end', payload: Buffer.concat([compressed(long), Buffer.of(0x06)]) },
  ])('B04 RFC 6455 7.4.1: $name fails with 1007', async ({ payload }) => {
    const { ws, peer } = await open();
    const end = ending(ws);
    peer.send({ rsv1: true, opcode: 2, payload });
    expect(await peer.readClose()).toEqual({ code: 1007, reason: '' });
    expect(await end).toMatchObject({ error: { code: 'Z_DATA_ERROR' }, errors: 1 });
  });

  test.each([
    { name: 'one frame', frames: [{ rsv1: true, payload: bomb }] },
    {
      name: 'fragments',
      frames: [
        { rsv1: true, fin: false, payload: bomb.subarray(0, 900) },
        { opcode: 0, payload: bomb.subarray(900) },
      ],
    },
  ])('B01 RFC 6455 10.4: a bomb in $name fails with 1009', async ({ frames }) => {
    const { ws, peer } = await open({ maxPayload: MiB });
    const end = ending(ws);
    peer.send(...frames);
    expect(await peer.readClose()).toEqual({ code: 1009, reason: '' });
    expect(await end).toMatchObject({ error: { code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' }, errors: 1 });
    expect(turns.count).toBe(0);
  });

  test('RFC 6455 5.5: what a peer sends behind a message that takes long comes after it', async () => {
    const { ws, peer } = await open();
    const log: string[] = [];
    ws.on('message', (data: Buffer) => log.push(`message ${data.length}`));
    ws.on('ping', () => log.push('ping'));
    const closed = event(ws, 'close');
    peer.send({ rsv1: true, payload: bomb }, { opcode: 9 }, { payload: 'plain' }, { rsv1: true, payload: bomb });
    peer.close(1000);
    await closed;
    expect(log).toEqual([`message ${3 * MiB}`, 'ping', 'message 5', `message ${3 * MiB}`]);
  });

  test('RFC 6455 5.5.1: what was sent before close goes out before the Close frame, however long it takes to compress', async () => {
    const { ws, peer } = await open();
    const callback = vi.fn();
    ws.send(long, callback);
    ws.ping('', undefined, callback);
    ws.send('short', callback);
    ws.close(1000);
    const frames = await read(peer, 4);
    expect(frames.map(({ opcode }) => opcode)).toEqual([2, 9, 1, 8]);
    expect(inflated([frames[0], { ...frames[0], payload: TAIL }, frames[2]]).length).toBe(long.length + 5);
    await vi.waitUntil(() => callback.mock.calls.length === 3);
    expect(callback.mock.calls.every(([error]) => !error)).toBe(true);
  });

  describe.each<{ how: string; die: (ws: Client, peer: RawPeer) => void }>([
    { how: 'is terminated', die: (ws) => ws.terminate() },
    { how: 'loses its socket', die: (_, peer) => peer.socket.destroy() },
    { how: 'is failed by the peer', die: (_, peer) => peer.send({ opcode: 3 }) },
  ])('B05: a connection that $how in the middle', ({ die }) => {
    test('of compressing tells every callback once, and leaves the queue', async () => {
      const { ws, peer } = await open();
      const end = ending(ws);
      const callbacks = Array.from({ length: 6 }, () => vi.fn());
      callbacks.forEach((callback, at) => {
        if (at % 3 === 2) ws.ping('', undefined, callback);
        else ws.send(noise(200_000, seeded(at)), callback);
      });
      expect(turns.count).toBe(1);
      die(ws, peer);
      peer.socket.resume();
      await end;
      await vi.waitUntil(() => callbacks.every((callback) => callback.mock.calls.length > 0));
      await turn();
      for (const callback of callbacks) expect(callback).toHaveBeenCalledTimes(1);
      expect(turns.count).toBe(0);
    });
  });

  test('B05: a connection that dies in the middle of decompressing closes once, and leaves the queue', async () => {
    for (const die of [(ws: Client) => ws.terminate(), (_: Client, peer: RawPeer) => peer.socket.destroy()]) {
      const { ws, peer } = await open();
      const closes = vi.fn();
      ws.on('close', closes);
      peer.send({ rsv1: true, opcode: 2, payload: bomb });
      while (turns.count === 0) await turn();
      die(ws, peer);
      await vi.waitUntil(() => closes.mock.calls.length > 0);
      await turn();
      expect(closes).toHaveBeenCalledTimes(1);
      expect(turns.count).toBe(0);
    }
  });
});

test('B05: 200 connections destroyed in the middle of both directions leave nothing behind, and a new one works', async () => {
  const random = seeded(3);
  for (let round = 0; round < 5; round += 1) {
    const pairs = await Promise.all(
      Array.from({ length: 40 }, () => pair(ours, { server: { perMessageDeflate: true }, client: {} })),
    );
    const told: Promise<unknown>[] = [];
    for (const { client, peer } of pairs) {
      for (const ws of [client, peer]) {
        told.push(event(ws, 'close'), new Promise((resolve) => ws.send(long, resolve)));
      }
    }
    for (const { client, peer } of pairs) {
      for (let left = random(3); left > 0; left -= 1) await turn();
      (random(2) === 0 ? client : peer).terminate();
    }
    await Promise.all(told);
    expect(turns.count).toBe(0);
  }
  const { client, peer } = await pair(ours, { server: { perMessageDeflate: true } });
  const got = message(peer);
  client.send(long);
  expect((await got).data.equals(long)).toBe(true);
}, 120_000);
