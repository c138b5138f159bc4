/** What the application, its tools and the peer see of a socket that is written to, whichever way the writes take. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Random } from '../../support/random.js';
import { decodeFrames, encodeFrame, type RawPeer } from '../../support/raw-peer.js';
import { contract, event, rawClient, turn, type AgainstRawClient } from './harness.js';
import type { Client, Implementation, SendCallback } from './implementations.js';

/** `ws` has one way only. */
const waysOf = ({ name }: Implementation): Record<string, unknown>[] =>
  name === 'ws' ? [{}] : [{ writePath: 'direct' }, { writePath: 'stream' }];

const socketOf = (ws: Client): Socket => ws._socket as unknown as Socket;

/** Everything that the peer gets from now on, until the connection is over. */
async function collect({ socket, unread }: RawPeer): Promise<Buffer> {
  const chunks = [unread];
  socket.removeAllListeners('data');
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(chunks);
}

const texts = (bytes: Buffer): string[] =>
  decodeFrames(bytes)
    .filter(({ opcode }) => opcode < 8)
    .map(({ payload }) => payload.toString());

/** A message that says which one it is, of a length between 1 and about 12,000 bytes. */
const textOf = (index: number, random: Random): string =>
  `${index} `.repeat(random.oneIn(10) ? random.between(100, 2000) : random.between(1, 20));

/** Sends messages in turns of their own until the socket has no room, and `more` after that. */
async function fill(ws: Client, more: number, callback?: (index: number) => SendCallback): Promise<string[]> {
  const sent: string[] = [];
  const send = (): void => {
    const text = `${sent.length} `.padEnd(8000, '.');
    ws.send(text, callback?.(sent.length));
    sent.push(text);
  };
  while (socketOf(ws).writableLength === 0) {
    send();
    await turn();
  }
  for (let i = 0; i < more; i++) {
    send();
    if (i % 3 === 0) await turn();
  }
  return sent;
}

contract('writes', (implementation) => {
  for (const options of waysOf(implementation)) {
    const way = String(options.writePath);
    const open = async (): Promise<AgainstRawClient> => rawClient(implementation, options);

    it(`keep bytes and order, with writes of the application's between them and within a cork [${way}]`, async () => {
      const random = new Random(1);
      const { ws, peer } = await open();
      const before = socketOf(ws).bytesWritten;
      const all = collect(peer);
      const sent: string[] = [];
      for (let i = 0; i < 1500; i++) {
        const text = textOf(i, random);
        sent.push(text);
        if (random.oneIn(8)) socketOf(ws).write(encodeFrame({ payload: text }));
        else ws.send(text);
        if (random.oneIn(20)) socketOf(ws).cork();
        if (random.oneIn(10)) socketOf(ws).uncork();
        if (random.oneIn(4)) await turn();
      }
      while (socketOf(ws).writableCorked > 0) socketOf(ws).uncork();
      const socket = socketOf(ws);
      peer.close(1000);
      const bytes = await all;
      expect(texts(bytes)).toEqual(sent);
      expect(socket.bytesWritten - before).toBe(bytes.length);
    });

    it(`of answers keep bytes and order while messages come one by one and many at once [${way}]`, async () => {
      const random = new Random(2);
      const { ws, peer } = await open();
      ws.on('message', (data: Buffer) => ws.send(data.toString()));
      const all = collect(peer);
      const sent: string[] = [];
      while (sent.length < 1500) {
        const burst = Array.from({ length: random.oneIn(2) ? 1 : random.between(1, 30) }, (_, i) =>
          textOf(sent.length + i, random),
        );
        peer.send(...burst.map((payload) => ({ payload })));
        sent.push(...burst);
        await turn();
      }
      peer.close(1000);
      expect(texts(await all)).toEqual(sent);
    });

    it(`to a peer that does not read wait in the socket, count, drain and arrive in order [${way}]`, async () => {
      const { ws, peer } = await open();
      const before = socketOf(ws).bytesWritten;
      peer.socket.pause();
      const told: number[] = [];
      const errors: unknown[] = [];
      const sent = await fill(ws, 50, (index) => (error) => {
        told.push(index);
        if (error) errors.push(error);
      });
      const socket = socketOf(ws);
      expect(socket.writableLength).toBeGreaterThanOrEqual(8000);
      expect(ws.bufferedAmount).toBeGreaterThanOrEqual(51 * 8000);
      expect(told.length).toBeLessThan(sent.length - 40);
      expect(socket.writableNeedDrain).toBe(true);
      const drained = event(socket, 'drain');
      const all = collect(peer);
      await drained;
      while (ws.bufferedAmount > 0) await turn();
      await turn();
      expect([told, errors]).toEqual([sent.map((_, index) => index), []]);
      ws.send('after');
      peer.close(1000);
      const bytes = await all;
      expect(texts(bytes)).toEqual([...sent, 'after']);
      expect(socket.bytesWritten - before).toBe(bytes.length);
    });

    it(`that wait are all written before end() and before the Close [${way}]`, async () => {
      const { ws, peer } = await open();
      peer.socket.pause();
      const sent = await fill(ws, 20);
      ws.close(4000);
      socketOf(ws).end();
      const bytes = await collect(peer);
      expect(texts(bytes)).toEqual(sent);
      expect(decodeFrames(bytes).at(-1)!.payload.readUInt16BE()).toBe(4000);
    });

    it.each(['terminate', 'destroy', 'reset'] as const)(
      `that wait are cut off by %s, and every callback is told once, in order [${way}]`,
      async (how) => {
        const { ws, peer } = await open();
        ws.on('error', () => {});
        peer.socket.pause();
        const told: number[] = [];
        const failed: number[] = [];
        const closed = event(ws, 'close');
        const sent = await fill(ws, 20, (index) => (error) => {
          told.push(index);
          if (error) failed.push(index);
        });
        if (how === 'terminate') ws.terminate();
        else if (how === 'destroy') socketOf(ws).destroy();
        else peer.reset();
        expect((await closed)[0]).toBe(1006);
        await turn();
        expect(told).toEqual(sent.map((_, index) => index));
        expect(failed.length).toBeGreaterThanOrEqual(20);
        expect(failed).toEqual(told.slice(-failed.length));
      },
    );

    it(`to a peer that has just reset the connection fail with the system's error [${way}]`, async () => {
      const { ws, peer } = await open();
      const errors: Error[] = [];
      const told: unknown[] = [];
      socketOf(ws).on('error', (error) => errors.push(error));
      ws.on('error', () => {});
      const closed = event(ws, 'close');
      peer.reset();
      for (let i = 0; i < 3; i++) ws.send('x', (error) => told.push(error));
      expect((await closed)[0]).toBe(1006);
      const failure = { syscall: 'write', code: expect.stringMatching(/^(EPIPE|ECONNRESET)$/) as unknown };
      expect(errors).toEqual([expect.objectContaining(failure)]);
      expect(told).toEqual([expect.objectContaining(failure), expect.any(Error), expect.any(Error)]);
    });

    it(`tell callbacks in later ticks, in order with those of the socket, each in its own context [${way}]`, async () => {
      const { ws } = await open();
      const storage = new AsyncLocalStorage<string>();
      const log: string[] = [];
      const tell = (name: string) => () => log.push(`${name} ${storage.getStore()}`);
      const all: Promise<unknown>[] = [];
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
        all.push(
          new Promise((resolve) => {
            storage.run(name, () => {
              const told = (): void => {
                tell(name)();
                resolve(undefined);
              };
              if (name === 'b' || name === 'f') socketOf(ws).write(encodeFrame({ payload: name }), told);
              else ws.send(name, told);
            });
          }),
        );
      }
      log.push('sent');
      await Promise.all(all);
      expect(log).toEqual(['sent', 'a a', 'b b', 'c c', 'd d', 'e e', 'f f', 'g g', 'h h']);
    });

    it(`put off the socket's timeout, which knows of what waits [${way}]`, async () => {
      const { ws, peer } = await open();
      const socket = socketOf(ws);
      let timeouts = 0;
      socket.setTimeout(150, () => timeouts++);
      const start = performance.now();
      while (performance.now() - start < 450) {
        ws.send('still here');
        await new Promise((resolve) => {
          setTimeout(resolve, 10);
        });
      }
      expect(timeouts).toBe(0);
      await event(socket, 'timeout');
      socket.setTimeout(0);
      peer.socket.pause();
      await fill(ws, 3);
      // While fewer bytes wait than Node has noted here, the socket does not time out.
      const noted = Object.getOwnPropertySymbols(socket).find(
        ({ description }) => description === 'lastWriteQueueSize',
      );
      expect((socket as unknown as Record<symbol, unknown>)[noted!]).toBe(8000 + 4);
    });

    it(`go through a write that the application sets, from the moment on that it does [${way}]`, async () => {
      const { ws, peer } = await open();
      const all = collect(peer);
      const sent: string[] = [];
      let seen = 0;
      const send = async (): Promise<void> => {
        sent.push(String(sent.length));
        ws.send(sent.at(-1));
        await turn();
      };
      for (let i = 0; i < 5; i++) await send();
      const socket = socketOf(ws);
      const own = socket.write.bind(socket) as (...given: unknown[]) => boolean;
      socket.write = (chunk: Uint8Array | string, ...rest: unknown[]) => {
        seen += Buffer.byteLength(chunk);
        return own(chunk, ...rest);
      };
      for (let i = 0; i < 5; i++) await send();
      expect(seen).toBe(5 * 3);
      peer.close(1000);
      expect(texts(await all)).toEqual(sent);
      expect(seen).toBe(5 * 3 + 2 + 2);
    });
  }
});
