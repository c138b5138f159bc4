/** Every fault that a peer can make and every oddity that a caller can pass -> no crash, no foreign byte, no broken frame. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { implementations, type Name } from '../node/contract/implementations.js';
import { runsLong } from '../support/long.js';
import { connectRaw, encodeFrame } from '../support/raw-peer.js';
import { Random } from '../support/random.js';
import { VECTORS } from '../vectors/index.js';
import { startProxy } from './support/proxy.js';
import { steps } from './support/session.js';
import { Subject } from './support/subject.js';

const SEED = 7;
const RANDOM_STREAMS = runsLong ? 200 : 100;
const ROUNDS = runsLong ? 20 : 4;
const SHARED_SENDS = runsLong ? 300 : 60;
/** Bits of the session from one that is flipped to the next. */
const STRIDE = runsLong ? 3 : 23;

describe.each(implementations.map(({ name }) => name))('%s', (name: Name) => {
  const isOurs = name === 'wsimd';
  let subject: Subject;
  beforeAll(async () => {
    subject = await Subject.of(name);
  });
  afterAll(() => subject.stop());

  test('G06 what no peer may send, and random streams, end no process where nobody listens for errors', async () => {
    const victim = await Subject.of(name);
    const port = await victim.do((room) => room.serve({ perMessageDeflate: true, closeTimeout: 500 }, { mute: true }));
    const random = new Random(SEED);
    const draw = (limit: number): number => random.below(limit);
    const vectors = VECTORS.filter((_, index) => runsLong || index % 4 === 0);
    const streams = vectors.map(({ wire }) => Buffer.from(wire.replaceAll(' ', ''), 'hex'));
    for (let i = 0; i < RANDOM_STREAMS; i++) {
      const octets = Buffer.from(Array.from({ length: 1 + draw(60) }, () => draw(256)));
      streams.push(
        i % 2
          ? octets
          : Buffer.concat([encodeFrame({ opcode: draw(16), rsv1: draw(2) === 1, masked: true, payload: octets })]),
      );
    }
    const extension = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    for (let at = 0; at < streams.length; at += 50) {
      if (!isOurs && at > 0) break;
      await Promise.all(
        streams.slice(at, at + 50).map(async (octets, i) => {
          const connected = await connectRaw(port, i % 2 ? { headers: extension } : {}).catch(() => undefined);
          if (connected === undefined) return;
          connected.peer.write(octets);
          connected.peer.socket.end();
          await connected.peer.closed;
        }),
      );
    }
    if (!isOurs) {
      // Six bytes are enough for ws.
      expect((await victim.ended).status).toBe(1);
      return;
    }
    const { closes, count, unowned } = await victim.do(async (room) => {
      await room.until(() => room.records.every((record) => record.closes.length > 0));
      const closes = room.records.every((record) => record.closes.length === 1);
      return { closes, count: room.records.length, unowned: room.unowned };
    });
    expect({ closes, count }).toEqual({ closes: true, count: streams.length });
    expect(unowned).toBeGreaterThan(RANDOM_STREAMS / 2);
    expect(victim.complaints).toBe('');
    await victim.stop();
  });

  test('G01 G03 no byte of fresh memory leaves with anything that send, ping, pong and close take', async () => {
    const { peer } = await connectRaw(await subject.do((room) => room.serve()));
    const accepted = await subject.do(async (room) => {
      await room.until(() => room.records.length > 0);
      const { ws } = room.records.at(-1)!;
      // What is allocated and not written shows.
      for (const name of ['allocUnsafe', 'allocUnsafeSlow'] as const) {
        const allocate = Buffer[name];
        Buffer[name] = (octets: number) => allocate.call(Buffer, octets).fill(0xa5);
      }
      let reads = 0;
      const things: unknown[] = [
        0,
        1,
        -1,
        1e9,
        NaN,
        Infinity,
        true,
        false,
        null,
        undefined,
        '',
        'text',
        '\ud800x\udc00',
      ];
      for (const View of [Int8Array, Uint8ClampedArray, Int16Array, Float32Array, Float64Array, BigInt64Array]) {
        things.push(new View(3));
      }
      things.push(
        new DataView(new ArrayBuffer(9), 2, 5),
        new SharedArrayBuffer(7),
        new ArrayBuffer(11),
        [1, 2, 3],
        [],
        {},
      );
      things.push(
        { length: 5 },
        { length: 3, 0: 7 },
        Symbol('s'),
        10n,
        () => {},
        new Map(),
        new Date(0),
        /x/,
        new Uint8Array(0),
      );
      things.push({ valueOf: () => 'value' }, new Proxy([1, 2], {}), {
        get length() {
          return ++reads;
        },
      });
      let accepted = 0;
      for (const thing of things) {
        for (const method of ['send', 'ping', 'pong'] as const) {
          try {
            ws[method](thing);
            accepted++;
          } catch {
            // Refused at the caller's line.
          }
        }
        // Without a code there is nothing to refuse.
        if (thing === undefined) continue;
        try {
          ws.close(thing, thing);
        } catch {
          // Refused, with nothing changed.
        }
        if (ws.readyState !== 1) throw new Error(`closed by ${typeof thing}`);
      }
      ws.close(1000, new Uint8Array(3));
      return accepted;
    });
    const frames: Buffer[] = [];
    for (let opcode = 0; opcode !== 8;) {
      const frame = await peer.readFrame();
      frames.push(frame.payload);
      opcode = frame.opcode;
    }
    expect(frames.length).toBe(accepted + 1);
    for (const payload of frames) expect(payload.includes(0xa5), payload.toString('hex')).toBe(false);
    peer.socket.destroy();
    expect(subject.complaints).toBe('');
  });

  test('G07 random sequences of calls in handlers and callbacks: one close each, every callback once', async () => {
    const port = await subject.do((room) => {
      room.records.length = 0;
      return room.serve({ closeTimeout: 300, perMessageDeflate: true }, { echo: false });
    });
    await subject.do((room, seed) => {
      let state = seed;
      const draw = (n: number): number => (state = (state * 48_271) % 0x7fffffff) % n;
      const act = (record: (typeof room.records)[0], depth: number): void => {
        const { ws } = record;
        for (let i = draw(4); i > 0; i--) {
          const what = draw(20);
          if (what < 6) room.send(record, Buffer.alloc(draw(300), what), { fin: draw(5) > 0, compress: draw(2) === 0 });
          else if (what < 8 && depth < 4) {
            const number = record.sends++;
            ws.send('x', () => {
              record.told.push(number);
              act(record, depth + 1);
            });
          } else if (what < 11) ws.ping(Buffer.alloc(draw(126)));
          else if (what === 11) ws.close(1000 + draw(2));
          else if (what === 12 && draw(4) === 0) ws.terminate();
          else if (what === 13) {
            ws.pause();
            setImmediate(() => ws.resume());
          } else if (what === 14 && draw(8) === 0) ws.removeAllListeners('message');
          else if (what === 15) ws.emit('pong', Buffer.alloc(0));
        }
      };
      room.server.on('connection', (ws) => {
        const record = room.records.at(-1)!;
        act(record, 0);
        for (const event of ['message', 'ping', 'error', 'close']) ws.on(event, () => act(record, 1));
        ws.on('pong', () => draw(3) === 0 && ws.ping());
      });
    }, SEED);
    const session = Buffer.concat(steps('client').map(({ octets }) => octets));
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, i) => {
          const { peer } = await connectRaw(port, {
            headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
          }).catch(() => ({ peer: undefined }));
          peer?.write(i % 5 === 0 ? Buffer.concat([session.subarray(0, 40), Buffer.of(0xf1, 0x80)]) : session);
          peer?.socket.end();
          await peer?.closed;
        }),
      );
    }
    const wrong = await subject.do(async (room) => {
      await room.until(() =>
        room.records.every(({ closes, told, sends }) => closes.length > 0 && told.length >= sends),
      );
      return room.records
        .filter(
          ({ closes, told, sends }) => closes.length !== 1 || told.length !== sends || new Set(told).size !== sends,
        )
        .map(({ closes, told, sends }) => ({ closes, told: told.length, sends }));
    });
    // ws loses callbacks of sends that are queued when the socket goes.
    if (isOurs) expect(wrong).toEqual([]);
    expect(subject.complaints).toBe('');
    await subject.do((room) => room.server.close());
  });

  test('H13 memory that another thread writes to during send: every frame is as long as its header says', async () => {
    const { peer } = await connectRaw(await subject.do((room) => ((room.records.length = 0), room.serve())));
    const sizes = await subject.do(async (room, count) => {
      await room.until(() => room.records.length > 0);
      const { Worker } = process.getBuiltinModule('node:worker_threads');
      const shared = new SharedArrayBuffer(100_000);
      const octets = new Uint8Array(shared);
      const program = `const { workerData } = require('node:worker_threads'); const o = new Uint8Array(workerData); for (let i = 0; ; i++) o.fill(i);`;
      const worker = new Worker(program, { eval: true, workerData: shared });
      await room.until(() => octets[0] !== 0);
      const sizes: number[] = [];
      for (let i = 0; i < count; i++) {
        sizes.push(1 + ((i * 7919) % 100_000));
        room.records[0].ws.send(octets.subarray(0, sizes[i]));
        if (i % 20 === 0) await room.wait(0);
      }
      await worker.terminate();
      return sizes;
    }, SHARED_SENDS);
    for (const size of sizes) expect((await peer.readFrame()).payload.length).toBe(size);
    peer.socket.destroy();
    await subject.do((room) => room.server.close());
  });

  test('H01 E06 E12 32 connections through a proxy that splits and delays, each of one alphabet: none sees a foreign byte', async () => {
    const port = await subject.do((room) => ((room.records.length = 0), room.serve({ perMessageDeflate: true })));
    const proxy = await startProxy(port, { seed: SEED, split: 700, delay: 2 });
    const random = new Random(SEED);
    const draw = (limit: number): number => random.below(limit);
    await Promise.all(
      Array.from({ length: 32 }, async (_, n) => {
        const { peer } = await connectRaw(proxy.port);
        const sent = createHash('sha256');
        const got = createHash('sha256');
        for (let i = 0; i < 20; i++) {
          const payload = Buffer.alloc(1 + draw(3000), 0x40 + n);
          sent.update(payload);
          peer.send({ opcode: 2, payload });
        }
        for (let i = 0; i < 20; i++) {
          const { payload } = await peer.readFrame();
          expect(payload.equals(Buffer.alloc(payload.length, 0x40 + n))).toBe(true);
          got.update(payload);
        }
        expect(got.digest('hex')).toBe(sent.digest('hex'));
        peer.close(1000);
        await peer.closed;
      }),
    );
    proxy.stop();
    expect(subject.complaints).toBe('');
    await subject.do((room) => room.server.close());
  });

  test('E14 a bit flipped on the way, one after another: an error or another payload, one close, no crash', async () => {
    if (!isOurs) return;
    const port = await subject.do(
      (room) => ((room.records.length = 0), room.serve({ perMessageDeflate: true, closeTimeout: 300 })),
    );
    const session = Buffer.concat(steps('client').map(({ octets }) => octets));
    for (let bit = 0; bit < 8 * session.length; bit += 100 * STRIDE) {
      await Promise.all(
        Array.from({ length: Math.min(100, Math.ceil((8 * session.length - bit) / STRIDE)) }, async (_, i) => {
          const spoilt = Buffer.from(session);
          spoilt[(bit + STRIDE * i) >> 3] ^= 1 << ((bit + STRIDE * i) & 7);
          const { peer } = await connectRaw(port, { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } });
          peer.write(spoilt);
          peer.socket.end();
          await peer.closed;
        }),
      );
    }
    const closes = await subject.do(async (room) => {
      await room.until(() => room.records.every((record) => record.closes.length > 0));
      return room.records.map((record) => record.closes.length);
    });
    expect(closes.length).toBe(Math.ceil((8 * session.length) / STRIDE));
    expect(closes.every((count) => count === 1)).toBe(true);
    expect(subject.complaints).toBe('');
    await subject.do((room) => room.server.close());
  });
});
