/** Handlers and callbacks that throw, in a process that lives on: each error surfaces once, and nobody else is kept from being told. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { implementations, type Name } from '../node/contract/implementations.js';
import { connectRaw, type RawPeer } from '../support/raw-peer.js';
import { Subject } from './support/subject.js';

describe.each(implementations.map(({ name }) => name))('%s', (name: Name) => {
  let subject: Subject;
  let port: number;
  beforeAll(async () => {
    subject = await Subject.of(name);
    port = await subject.do((room) => {
      room.kept.thrown = [];
      process.on('uncaughtException', (error) => (room.kept.thrown as string[]).push(error.message));
      return room.serve({ closeTimeout: 500 }, { echo: false });
    });
  });
  afterAll(() => subject.stop());

  /** A new connection, the last of the records; what was thrown before is forgotten. */
  async function connect(): Promise<RawPeer> {
    const count = await subject.do((room) => ((room.kept.thrown = []), room.records.length));
    const { peer } = await connectRaw(port);
    await subject.do((room, count) => room.until(() => room.records.length > count), count);
    return peer;
  }

  /** What has surfaced, and what the last connection tells, once it has closed. */
  function outcome(): Promise<{ thrown: string[]; told: number[]; failed: number; closes: number[]; left: number }> {
    return subject.do(async (room) => {
      const record = room.records.at(-1)!;
      await room.until(() => record.closes.length > 0, 2000);
      await room.until(() => record.told.length === record.sends, 500);
      await room.wait(20);
      const { told, failed, closes } = record;
      return { thrown: room.kept.thrown as string[], told, failed, closes, left: room.server.clients.size };
    });
  }

  test.each(['message', 'ping', 'pong'] as const)(
    'G05 a handler of %s that throws at the first of three',
    async (event): Promise<void> => {
      const peer = await connect();
      await subject.do((room, event) => {
        const seen: string[] = (room.kept.seen = []);
        room.records.at(-1)!.ws.on(event, (data: Buffer) => {
          if (seen.push(data.toString()) === 1) throw new Error('first');
        });
      }, event);
      const opcode = { message: 1, ping: 9, pong: 10 }[event];
      peer.send(...['a', 'b', 'c'].map((payload) => ({ opcode, payload })));
      const seen = await subject.do(
        async ({ kept, until }, limit) => {
          await until(() => (kept.seen as string[]).length === 3, limit);
          return { seen: kept.seen, thrown: kept.thrown };
        },
        name === 'ws' ? 200 : 4000,
      );
      // ws reads nothing any more.
      expect(seen).toEqual({ seen: name === 'ws' ? ['a'] : ['a', 'b', 'c'], thrown: ['first'] });
      peer.close(1000);
      if (name === 'ws') return void peer.socket.destroy();
      expect((await outcome()).closes).toEqual([1000]);
    },
  );

  test('G05 E11 callbacks of sends that throw: all are told, in order, and the connection goes on', async () => {
    const peer = await connect();
    await subject.do((room) => {
      const record = room.records.at(-1)!;
      for (let i = 0; i < 3; i++) {
        record.sends++;
        record.ws.send('x', () => {
          record.told.push(i);
          throw new Error(`callback ${i}`);
        });
      }
    });
    for (let i = 0; i < 3; i++) expect((await peer.readFrame()).payload.toString()).toBe('x');
    peer.close(1000);
    const { thrown, told, closes } = await outcome();
    expect(told).toEqual([0, 1, 2]);
    expect(thrown).toEqual(['callback 0', 'callback 1', 'callback 2']);
    expect(closes).toEqual([1000]);
  });

  test("G05 E11 callbacks that throw because the connection has died: all are told, and 'close' comes", async () => {
    const peer = await connect();
    peer.socket.pause();
    await subject.do(async (room) => {
      const record = room.records.at(-1)!;
      const octets = Buffer.alloc(32 << 20);
      for (let i = 0; i < 4; i++) {
        record.sends++;
        record.ws.send(octets, (error) => {
          record.told.push(i);
          if (error) record.failed++;
          throw new Error(`callback ${i}`);
        });
      }
      await room.wait(20);
      record.ws.terminate();
    });
    const { thrown, told, failed, closes, left } = await outcome();
    peer.socket.destroy();
    // Node tells the callbacks of one socket's writes in a row, and ws leaves that to Node.
    expect(told).toEqual(name === 'ws' ? [0] : [0, 1, 2, 3]);
    // Of the write that was under way Node says that it went well, Node 26 that it did not.
    if (name === 'ws') expect(failed).toBeLessThanOrEqual(1);
    else expect(failed).toBe(4);
    expect(thrown).toEqual(told.map((i) => `callback ${i}`));
    expect({ closes, left: name === 'ws' ? 0 : left }).toEqual({ closes: [1006], left: 0 });
  });

  test("G05 a handler of 'error' that throws: the Close goes out and 'close' comes", async () => {
    const peer = await connect();
    await subject.do((room) => {
      room.records.at(-1)!.ws.on('error', () => {
        throw new Error('in error');
      });
    });
    peer.send({ opcode: 3 });
    expect(await peer.readClose()).toEqual({ code: 1002, reason: '' });
    peer.socket.end();
    const { thrown, closes } = await outcome();
    expect({ thrown, closes }).toEqual({ thrown: ['in error'], closes: [1006] });
  });

  test("G05 handlers of 'close' and 'drain' that throw: the server forgets the connection, callbacks are told", async () => {
    const peer = await connect();
    peer.socket.pause();
    await subject.do((room) => {
      const record = room.records.at(-1)!;
      for (const event of ['close', 'drain']) {
        record.ws.on(event, () => {
          throw new Error(`in ${event}`);
        });
      }
      room.send(record, Buffer.alloc(16 << 20));
      room.send(record, 'after it');
    });
    peer.socket.removeAllListeners('data').resume();
    await subject.do(({ until, records }) => until(() => records.at(-1)!.told.length === 2));
    peer.socket.end();
    const { thrown, told, failed, closes } = await outcome();
    expect({ told, failed, closes }).toEqual({ told: [0, 1], failed: 0, closes: [1006] });
    // ws has no 'drain'.
    expect(thrown).toEqual(name === 'ws' ? ['in close'] : ['in drain', 'in close']);
  });

  test('G09 close() with a bad code behind a Blob throws at once and changes nothing', async () => {
    const peer = await connect();
    const thrown = await subject.do((room) => {
      const { ws } = room.records.at(-1)!;
      ws.send(new Blob(['blob']));
      const said: string[] = [];
      for (const [code, reason] of [
        [1006, ''],
        [1000, 'x'.repeat(124)],
      ]) {
        try {
          ws.close(code, reason);
        } catch (error) {
          said.push((error as Error).message);
        }
      }
      said.push(`state ${ws.readyState}`);
      ws.close(1000, 'good');
      return said;
    });
    expect(thrown).toEqual([
      'First argument must be a valid error code number',
      'The message must not be greater than 123 bytes',
      'state 1',
    ]);
    expect((await peer.readFrame()).payload.toString()).toBe('blob');
    expect(await peer.readClose()).toEqual({ code: 1000, reason: 'good' });
    peer.close(1000);
    expect((await outcome()).closes).toEqual([1000]);
  });

  test('G12 times longer than a timer of Node takes are times, and not at once', async () => {
    const errors = await subject.do(async (room) => {
      const { WebSocketServer } = room.implementation;
      const make = (options: Record<string, unknown>): string => {
        try {
          return new WebSocketServer({ noServer: true, ...options }).options.noServer === true ? 'taken' : 'lost';
        } catch (error) {
          return (error as Error).name;
        }
      };
      return [make({ closeTimeout: 2 ** 40 }), make({ heartbeat: { interval: Infinity, timeout: 1 } })];
    });
    expect(errors).toEqual(name === 'ws' ? ['taken', 'taken'] : ['taken', 'RangeError']);
    const other = await Subject.of(name);
    const otherPort = await other.do((room) => room.serve({ closeTimeout: 2 ** 40 }));
    const { peer } = await connectRaw(otherPort, { endWithPeer: false });
    const closed = await other.do(async (room) => {
      await room.until(() => room.records.length === 1);
      room.records[0].ws.close();
      return room.until(() => room.records[0].closes.length > 0, 100);
    });
    expect(closed).toBe(name === 'ws');
    expect(other.complaints.includes('TimeoutOverflowWarning')).toBe(name === 'ws');
    peer.socket.destroy();
    await other.stop();
  });
});
