/** Blobs: everything that is sent behind them, and one error and one close whatever comes while they cannot be read. */
import { expect, it } from 'vitest';
import { encodeFrame } from '../../support/raw-peer.js';
import { contract, ending, event, messages, pair, rawClient, turn } from './harness.js';

/** A Blob that is read after so many turns of the event loop. */
const slow = (text: string, turns: number): Blob =>
  Object.assign(new Blob([text]), {
    arrayBuffer: async () => {
      for (let at = 0; at < turns; at++) await turn();
      return new TextEncoder().encode(text).buffer;
    },
  });

const READ_PATHS = ['landing', 'data'] as const;

contract('Blobs', (implementation) => {
  it('sends behind two Blobs all arrive, in order', async () => {
    // `ws` takes 11 s for as many as here.
    const count = implementation.name === 'ws' ? 3_000 : 130_000;
    const { client, peer } = await pair(implementation, { client: { perMessageDeflate: false } });
    const got = messages(peer, count + 2);
    client.send(new Blob(['first']));
    client.send(new Blob(['second']));
    for (let at = 0; at < count; at++) client.send(`${at}`);
    const texts = (await got).map(({ data }) => data.toString());
    expect(texts.slice(0, 3)).toEqual(['first', 'second', '0']);
    expect(texts.findIndex((text, at) => at > 1 && text !== `${at - 2}`)).toBe(-1);
  });

  for (const readPath of READ_PATHS) {
    it.each(['after the Blob was sent', 'after the own close()', 'in a later read'])(
      `by ${readPath}, a Close that comes %s is answered behind a Blob that is being read`,
      async (when) => {
        const { ws, peer } = await rawClient(implementation, { readPath });
        const callbacks: unknown[] = [];
        const send = (): void => {
          ws.send(when === 'in a later read' ? slow('blob', 5) : new Blob(['blob']), (error) => callbacks.push(error));
          ws.send('behind', (error) => callbacks.push(error));
          if (when === 'after the own close()') ws.close(4001, 'own');
        };
        ws.on('message', send);
        const closed = ending(ws);
        const close = { opcode: 8, payload: Buffer.from([3, 232]) };
        if (when === 'in a later read') {
          peer.send({ payload: 'ask' });
          await event(ws, 'message');
          peer.send(close);
        } else {
          peer.send({ payload: 'ask' }, close);
        }
        const frames = await peer.readFramesToEnd();
        expect(frames.map(({ opcode, payload }) => [opcode, payload.toString('latin1')])).toEqual([
          [2, 'blob'],
          [1, 'behind'],
          [8, when === 'after the own close()' ? '\x0f\xa1own' : '\x03\xe8'],
        ]);
        expect(await closed).toMatchObject({ code: 1000 });
        expect(callbacks.map((error) => error ?? undefined)).toEqual([undefined, undefined]);
      },
    );

    it(`by ${readPath}, a Close with the end of its peer's half behind it is answered behind a Blob too`, async () => {
      const { ws, peer } = await rawClient(implementation, { readPath });
      const closed = ending(ws);
      ws.on('message', () => ws.send(slow('blob', 5)));
      peer.send({ payload: 'ask' }, { opcode: 8, payload: Buffer.from([3, 232]) });
      peer.socket.end();
      const frames = await peer.readFramesToEnd();
      // `ws` ends its half at once.
      const due = implementation.name === 'ws' ? [] : ['2 blob', '8 \x03\xe8'];
      expect(frames.map(({ opcode, payload }) => `${opcode} ${payload.toString('latin1')}`)).toEqual(due);
      expect(await closed).toMatchObject({ code: 1000 });
    });

    const events: [string, (end: Awaited<ReturnType<typeof rawClient>>) => void][] = [
      ['nothing else', () => {}],
      ['its peer ends its half', ({ peer }) => peer.socket.end()],
      ['its peer resets it', ({ peer }) => peer.reset()],
      ['a bad frame comes', ({ peer }) => peer.write(encodeFrame({ opcode: 3, masked: true }))],
      ['a Close comes', ({ peer }) => peer.write(encodeFrame({ opcode: 8, masked: true }))],
      ['it is terminated', ({ ws }) => ws.terminate()],
      ['it is closed', ({ ws }) => ws.close()],
      ['another Blob cannot be read', ({ ws }) => ws.send(unreadable(1))],
    ];
    const unreadable = (turns: number): Blob =>
      Object.assign(new Blob(['x']), {
        arrayBuffer: async () => {
          for (let at = 0; at < turns; at++) await turn();
          throw new Error('unreadable');
        },
      });
    // Before, during and after what the other event brings.
    for (const turns of [0, 3, 30]) {
      it.each(events)(
        `by ${readPath}, a Blob cannot be read after ${turns} turns, and %s: one end`,
        async (_, bring) => {
          const end = await rawClient(implementation, { readPath });
          const { ws } = end;
          end.peer.socket.on('error', () => {});
          const log: string[] = [];
          ws.on('error', () => log.push('error'));
          ws.on('close', () => log.push('close'));
          const closed = ending(ws);
          const told = new Promise<void>((resolve) => ws.send(unreadable(turns), () => resolve()));
          bring(end);
          await Promise.all([closed, told]);
          end.peer.socket.destroy();
          for (let at = 0; at < 5; at++) await turn();
          expect(['error,close', 'close']).toContain(log.join());
        },
      );
    }
  }
});
