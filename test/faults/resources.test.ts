/** Peers that try to use up memory, descriptors or patience -> what they get, and what everybody else still gets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { implementations, type Name } from '../node/contract/implementations.js';
import { runsLong } from '../support/long.js';
import { closeCode, connectRaw, encodeFrame, requestRaw, type RawPeer } from '../support/raw-peer.js';
import { Subject } from './support/subject.js';

const MIB = 1024 * 1024;

describe.each(implementations.map(({ name }) => name))('%s', (name: Name) => {
  const isOurs = name === 'wsimd';
  let subject: Subject;
  beforeAll(async () => {
    subject = await Subject.of(name);
  });
  afterAll(() => subject.stop());

  /** A server with nothing recorded. */
  function serve(options: Record<string, unknown> = {}, watching: { echo?: boolean } = {}): Promise<number> {
    return subject.do(
      (room, options, watching) => {
        room.records.length = 0;
        return room.serve(options, watching);
      },
      options,
      watching,
    );
  }

  async function connect(port: number, count: number): Promise<RawPeer[]> {
    const made = await Promise.all(Array.from({ length: count }, () => connectRaw(port)));
    return made.map(({ peer }) => peer);
  }

  /** Ends peers, and waits until the subject has closed everything. */
  async function part(peers: RawPeer[]): Promise<void> {
    for (const peer of peers) peer.socket.destroy();
    const all = await subject.do((room) =>
      room.until(() => room.records.every(({ closes }) => closes.length === 1) && room.server.clients.size === 0),
    );
    expect(all).toBe(true);
    expect(subject.complaints).toBe('');
    await subject.do((room) => room.server.close());
  }

  test('D02 200 frames that announce 99 MiB and bring one byte take next to nothing', async () => {
    const port = await serve();
    const peers = await connect(port, 200);
    const before = await subject.do((room) => room.memory());
    const header = encodeFrame({ opcode: 2, announce: 99 * MIB, masked: true, payload: 'x' });
    for (const peer of peers) peer.write(header);
    peers[0].send({ opcode: 9 });
    const { rss, arrayBuffers } = await subject.do(async (room) => {
      await room.wait(100);
      return room.memory();
    });
    // 16 MiB a thread may be taken ahead of what comes, and is not touched until it comes.
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(17 * MIB);
    expect(rss - before.rss).toBeLessThan(24 * MIB);
    await part(peers);
  });

  test('D03 a peer that pings 78,000 times and reads nothing costs little and is not ended', async () => {
    const port = await serve();
    const [peer, other] = await connect(port, 2);
    const before = await subject.do((room) => room.memory());
    peer.socket.pause();
    const pings = Buffer.concat(
      Array.from({ length: 1000 }, () => encodeFrame({ opcode: 9, masked: true, payload: 'p'.repeat(125) })),
    );
    for (let i = 0; i < 78; i++) peer.write(pings);
    await new Promise<void>((resolve) => {
      peer.socket.write('', () => resolve());
    });
    other.send({ payload: 'still here' });
    expect((await other.readFrame()).payload.toString()).toBe('still here');
    const { state, wasRead, memory } = await subject.do(async (room, octets) => {
      const { ws } = room.records[0];
      // Pongs that are being made while memory is measured are not held.
      const wasRead = await room.until(() => ws.readyState !== 1 || Number(ws._socket?.bytesRead) > octets);
      return { state: ws.readyState, wasRead, memory: await room.memory() };
    }, 78 * pings.length);
    if (isOurs) {
      expect({ state, wasRead }).toEqual({ state: 1, wasRead: true });
      expect(memory.held - before.held).toBeLessThan(2 * MIB);
    }
    await part([peer, other]);
  });

  test.each([61, 10_000])(
    'D03 %i pings in one write of a peer that reads: alive, and the last one is answered',
    async (count) => {
      const port = await serve();
      const [peer] = await connect(port, 1);
      peer.send(...Array.from({ length: count }, (_, i) => ({ opcode: 9, payload: String(i) })));
      let last = '';
      const answered = (async () => {
        while (last !== String(count - 1)) last = (await peer.readFrame()).payload.toString();
        return true;
      })();
      // ws ends the connection.
      expect(await answered.catch(() => false)).toBe(isOurs);
      await part([peer]);
    },
  );

  test('D04 maxBackpressure ends a peer that reads nothing, once, and tells every callback; its neighbour notices nothing', async () => {
    if (!isOurs) return;
    const port = await serve({ maxBackpressure: 4 * MIB });
    const [peer, other] = await connect(port, 2);
    peer.socket.pause();
    const facts = await subject.do(async (room) => {
      const [record] = room.records;
      const { rss } = await room.memory();
      const octets = Buffer.alloc(256 * 1024, 1);
      for (let i = 0; i < 4000; i++) {
        room.send(record, octets);
        if (i % 100 === 0) await room.wait(0);
      }
      await room.until(() => record.closes.length > 0 && record.told.length === record.sends);
      return { ...room.facts(record), grown: (await room.memory()).rss - rss };
    });
    expect(facts).toMatchObject({ closes: [1006], errors: ['WS_ERR_BACKPRESSURE'], sends: 4000, state: 3 });
    expect(facts.told.length).toBe(4000);
    expect(new Set(facts.told).size).toBe(4000);
    expect(facts.failed).toBeGreaterThan(3900);
    expect(facts.grown).toBeLessThan(64 * MIB);
    other.send({ payload: 'still here' });
    expect((await other.readFrame()).payload.toString()).toBe('still here');
    await part([peer, other]);
  });

  test('D05 a broadcast reaches every reader in order, and ends those who do not read', async () => {
    if (!isOurs) return;
    const port = await serve({ maxBackpressure: MIB });
    const peers = await connect(port, 22);
    const stalled = peers.slice(20);
    for (const peer of stalled) peer.socket.pause();
    const rounds = 400;
    const reading = peers.slice(0, 20).map(async (peer) => {
      for (let i = 0; i < rounds; i++) {
        const { payload } = await peer.readFrame();
        if (payload.readUInt32BE(0) !== i || payload.length !== 32_768) return `${payload.readUInt32BE(0)} for ${i}`;
      }
      return 'all';
    });
    await subject.do(async (room, rounds) => {
      const server = room.server as typeof room.server & { broadcast(data: Buffer): void };
      for (let i = 0; i < rounds; i++) {
        const octets = Buffer.alloc(32_768);
        octets.writeUInt32BE(i);
        server.broadcast(octets);
        await room.until(() => [...server.clients].slice(0, 20).every((ws) => ws.bufferedAmount === 0));
      }
    }, rounds);
    expect(await Promise.all(reading)).toEqual(Array.from({ length: 20 }, () => 'all'));
    const closes = await subject.do((room) => room.records.map((record) => record.closes.length));
    expect(closes).toEqual([...Array.from({ length: 20 }, () => 0), 1, 1]);
    await part(peers);
  });

  test('D06 what comes for a paused connection stays with the peer, and nothing is lost or reordered', async () => {
    const port = await serve({}, { echo: false });
    const [peer] = await connect(port, 1);
    const before = await subject.do(async (room) => {
      const seen: number[] = (room.kept.seen = []);
      room.records[0].ws.on('message', (data: Buffer) => seen.push(data.readUInt32BE(0)));
      room.records[0].ws.pause();
      return room.memory();
    });
    const count = 512;
    for (let i = 0; i < count; i++) {
      const payload = Buffer.alloc(65_536);
      payload.writeUInt32BE(i);
      peer.send({ opcode: 2, payload });
    }
    const paused = await subject.do(async (room) => {
      await room.wait(200);
      const memory = await room.memory();
      room.records[0].ws.resume();
      return memory;
    });
    expect(paused.held - before.held).toBeLessThan(2 * MIB);
    const seen = await subject.do(async (room, count) => {
      await room.until(() => room.records[0].messages === count);
      return room.kept.seen as number[];
    }, count);
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => i));
    await part([peer]);
  });

  test('D09 500 connections that got a small message each hold no larger buffer for it', async () => {
    const port = await serve();
    const peers = await connect(port, 500);
    const before = await subject.do((room) => room.memory());
    for (const peer of peers) peer.send({ opcode: 9, payload: 'small' }, { payload: 'small' });
    for (const peer of peers) await peer.readFrame();
    for (const peer of peers) await peer.readFrame();
    const after = await subject.do((room) => room.memory());
    expect((after.arrayBuffers - before.arrayBuffers) / 500).toBeLessThan(1024);
    await part(peers);
  });

  test('D10 D11 connections that come and go leave no memory, handle, listener or descriptor', async () => {
    const port = await serve();
    const cycle = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 50) {
        const peers = await connect(port, 50);
        for (const peer of peers) peer.send({ payload: 'hello' });
        for (const peer of peers) await peer.readFrame();
        for (const [n, peer] of peers.entries()) {
          if (n % 3 === 0) peer.socket.destroy();
          else peer.close(1000);
        }
        await Promise.all(peers.map((peer) => peer.closed));
        await subject.do(async (room) => {
          await room.until(() => room.records.every(({ closes }) => closes.length === 1));
          room.records.length = 0;
        });
      }
    };
    await cycle(runsLong ? 500 : 300);
    const before = await subject.do((room) => room.memory());
    const descriptors = subject.descriptors;
    await cycle(runsLong ? 2000 : 500);
    const after = await subject.do((room) => room.memory());
    expect(after.held - before.held).toBeLessThan(2 * MIB);
    expect(subject.descriptors).toBeLessThanOrEqual(descriptors);
    await part([]);
  });

  test('D12 maxConnections: more than that are answered with 503, and may come when there is room', async () => {
    if (!isOurs) return;
    const port = await serve({ maxConnections: 3 });
    const peers = await connect(port, 3);
    const refused = requestRaw(port);
    expect(await refused.readHead()).toMatch(/^HTTP\/1.1 503 /);
    await refused.ended;
    peers[0].socket.destroy();
    await subject.do((room) => room.until(() => room.server.clients.size === 2));
    peers.push(...(await connect(port, 1)));
    await part(peers);
  });

  test('A10 what follows a Close is thrown away, however much, and the socket is gone in time', async () => {
    const port = await serve({ closeTimeout: 300 });
    const { peer } = await connectRaw(port, { endWithPeer: false });
    const before = await subject.do((room) => room.memory());
    peer.send({ opcode: 8, payload: closeCode(1000) });
    const junk = Buffer.alloc(MIB, 0x81);
    for (let i = 0; i < 16; i++) peer.write(junk);
    await subject.do((room) => room.until(() => room.records[0].closes.length === 1));
    const after = await subject.do((room) => room.memory());
    expect(after.held - before.held).toBeLessThan(MIB);
    expect(await subject.do((room) => room.facts(room.records[0]))).toMatchObject({
      closes: [1000],
      errors: [],
      messages: 0,
    });
    await part([peer]);
  });
});
