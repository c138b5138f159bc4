/** The contract with `ws`: handlers and callbacks beside compressed messages that threads of the pool work on. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it, vi } from 'vitest';
import { jsonLike, seeded } from '../../support/deflate.js';
import { contract, ending, event, pair, type Pair } from './harness.js';
import type { Implementation } from './implementations.js';

const LONG = 70_000;
const bytesOf = (index: number): Buffer => Buffer.alloc(LONG, index);

const readPathsOf = ({ name }: Implementation): object[] =>
  name === 'ws' ? [{}] : [{ readPath: 'landing' }, { readPath: 'data' }];

contract('compressed bursts', (implementation) => {
  for (const options of readPathsOf(implementation)) {
    const open = (): Promise<Pair> =>
      pair(implementation, {
        server: { ...options, perMessageDeflate: { threshold: 0 } },
        client: { ...options, perMessageDeflate: true },
      });
    const path = JSON.stringify(options);

    it(`pings, short messages and the Close keep their places ${path}`, async () => {
      const { client, peer } = await open();
      const log: string[] = [];
      client.on('message', (data: Buffer) => log.push(`${data.length} of ${data[0]}`));
      client.on('ping', (data: Buffer) => log.push(`ping ${data.toString()}`));
      const expected: string[] = [];
      for (let at = 0; at < 5; at++) {
        peer.send(bytesOf(at));
        peer.send(Buffer.alloc(10, at));
        peer.ping(`${at}`);
        expected.push(`${LONG} of ${at}`, `10 of ${at}`, `ping ${at}`);
      }
      peer.close(4001, 'over');
      expect(await ending(client)).toMatchObject({ code: 4001, reason: 'over' });
      expect(log).toEqual(expected);
    });

    it(`messages of every length come back whole, in order, while their buffers change ${path}`, async () => {
      const { client, peer } = await open();
      peer.on('message', (data: Buffer) => peer.send(data));
      const random = seeded(5);
      const wanted = Array.from({ length: 60 }, (_, at) => jsonLike(random(at % 4 === 0 ? 120_000 : 3000), random));
      let next = 0;
      const done = new Promise<void>((resolve) => {
        client.on('message', (data: Buffer) => {
          expect(Buffer.compare(data, wanted[next])).toBe(0);
          if (++next === wanted.length) resolve();
        });
      });
      for (const message of wanted) {
        const given = Buffer.from(message);
        client.send(given);
        // ws reads the caller's memory until the message is compressed.
        if (implementation.name !== 'ws') given.fill(0xa5);
      }
      await done;
    });

    it(`callbacks and messages are each in the context of their caller or connection ${path}`, async () => {
      const storage = new AsyncLocalStorage<string>();
      const log: string[] = [];
      const names = ['first', 'second'];
      const pairs = await Promise.all(names.map((name) => storage.run(name, open)));
      const done = pairs.map(({ client, peer }, at) => {
        client.on('message', () => log.push(`${names[at]}: message in ${storage.getStore()}`));
        for (const caller of ['a', 'b', 'c']) {
          storage.run(caller, () => peer.send(bytesOf(at), () => log.push(`${caller}: sent in ${storage.getStore()}`)));
        }
        peer.close();
        return event(client, 'close');
      });
      await Promise.all(done);
      for (const name of names) {
        expect(log.filter((entry) => entry === `${name}: message in ${name}`)).toHaveLength(3);
      }
      // The callbacks of ws have the context of the one that was being compressed when they were sent.
      if (implementation.name === 'ws') return;
      for (const caller of ['a', 'b', 'c']) {
        expect(log.filter((entry) => entry === `${caller}: sent in ${caller}`)).toHaveLength(2);
      }
    });

    it(`a handler that throws leaves the connection as it is, and others at work ${path}`, async () => {
      const thrown: string[] = [];
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.on('uncaughtException', (error) => thrown.push(error.message));
      try {
        const [{ client, peer }, other] = [await open(), await open()];
        let [count, others] = [0, 0];
        peer.on('message', () => {
          if (++count === 2) throw new Error('from the handler');
        });
        other.peer.on('message', () => others++);
        for (let at = 0; at < 4; at++) {
          client.send(bytesOf(at));
          other.client.send(bytesOf(at));
        }
        await vi.waitFor(() => expect([others, thrown]).toEqual([4, ['from the handler']]), 5000);
        // Deviation of ours: ws reads that connection no further.
        if (implementation.name !== 'ws') await vi.waitFor(() => expect(count).toBe(4));
      } finally {
        process.removeAllListeners('uncaughtException');
        for (const listener of listeners) process.on('uncaughtException', listener);
      }
    });

    it(`connections that end while the pool works for both sides leave the process whole ${path}`, async () => {
      for (let round = 0; round < 8; round++) {
        const { client, peer } = await open();
        for (let at = 0; at < 4; at++) {
          client.send(bytesOf(at));
          peer.send(bytesOf(at));
        }
        for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve));
        const closed = event(peer, 'close');
        if (round % 2 === 0) client.terminate();
        else peer.terminate();
        await closed;
      }
      const { client, peer } = await open();
      peer.send(bytesOf(7));
      expect(await event(client, 'message')).toEqual([bytesOf(7), true]);
    });
  }
});
