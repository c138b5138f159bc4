/** The memory behind a message: bytes of the chunk it came in, and never another connection's. */
import { deflateRawSync, constants } from 'node:zlib';
import { expect, it } from 'vitest';
import type { WebSocketServer } from '../../../src/index.js';
import { contract, event, listenHttp, messages, ownedServer, pair, rawClient, rawRequest, turn } from './harness.js';
import type { Client } from './implementations.js';
import { encodeFrame, type RawPeer } from '../../support/raw-peer.js';

const PATHS = ['landing', 'data'] as const;
/** What a frame's header takes at most: of ws the whole chunk lies behind a message. */
const HEADER = 14;

/** Every byte of these messages' memory, whatever shape they have. */
function memoryOf(data: unknown): ArrayBuffer[] {
  if (data instanceof ArrayBuffer) return [data];
  return (Array.isArray(data) ? (data as Buffer[]) : [data as Buffer]).map(({ buffer }) => buffer as ArrayBuffer);
}

/** Bytes behind messages, each memory counted once. */
function bytesBehind(list: unknown[]): number {
  return [...new Set(list.flatMap(memoryOf))].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Which of `marks` stand behind a message three times in a row. */
function marksBehind(data: unknown, marks: string): string {
  const found = memoryOf(data).map((memory) => Buffer.from(memory).toString('latin1'));
  return marks
    .split('')
    .filter((mark) => found.some((bytes) => bytes.includes(mark.repeat(3))))
    .join('');
}

function deflated(payload: string): Buffer {
  return deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

contract('memory behind a message', (implementation) => {
  const isOurs = implementation.name === 'wsimd';

  it.each(PATHS)('of two connections neither sees bytes of the other through data.buffer [%s]', async (readPath) => {
    const [first, second] = [
      await rawClient(implementation, { readPath }),
      await rawClient(implementation, { readPath }),
    ];
    const seen: string[] = [];
    const both = [
      [first, 'A'],
      [second, 'B'],
    ] as const;
    for (const [{ ws }, mark] of both) {
      ws.on('message', (data: Buffer) => seen.push(`${mark} sees ${marksBehind(data, 'AB')}`));
    }
    for (let round = 0; round < 20; round++) {
      for (const [{ ws, peer }, mark] of both) {
        const got = messages(ws, 1 + (round % 3));
        const frame = { opcode: 1 + (round % 2), payload: mark.repeat(16 + round) };
        peer.send(...Array.from({ length: 1 + (round % 3) }, () => frame));
        await got;
      }
    }
    expect([...new Set(seen)].sort()).toEqual(['A sees A', 'B sees B']);
  });

  it.each(PATHS)(
    'a copy of a message of 16 bytes, as postMessage makes it, is no longer than its chunk [%s]',
    async (readPath) => {
      const { ws, peer } = await rawClient(implementation, { readPath });
      for (const opcode of [1, 2]) {
        const got = messages(ws, 1);
        peer.send({ opcode, payload: 'x'.repeat(16) });
        const [{ data }] = await got;
        expect(structuredClone(data).buffer.byteLength).toBeLessThanOrEqual(16 + HEADER);
      }
    },
  );

  it.each(PATHS)(
    '1 of 500 short messages that is kept pins no more than the chunk it came in [%s]',
    async (readPath) => {
      for (const together of [1, 50]) {
        const { ws, peer } = await rawClient(implementation, { readPath });
        const kept: Buffer[] = [];
        const count = 5000;
        const batch = Array.from({ length: together }, () => ({ opcode: 2, payload: 'x'.repeat(16) }));
        await new Promise<void>((resolve) => {
          let taken = 0;
          ws.on('message', (data: Buffer) => {
            taken++;
            if (taken % 500 === 0) kept.push(data);
            if (taken === count) resolve();
            else if (taken % together === 0) peer.send(...batch);
          });
          peer.send(...batch);
        });
        expect(bytesBehind(kept) / kept.length).toBeLessThanOrEqual(together * (16 + 6));
      }
    },
  );

  it.each(PATHS)(
    'the owner of a message may transfer its memory away: the messages after it still come [%s]',
    async (readPath) => {
      // In ws the next message of the chunk throws, and ends the process.
      const { ws, peer } = await rawClient(implementation, { readPath });
      const read: string[] = [];
      await new Promise<void>((resolve) => {
        ws.on('message', (data: Buffer) => {
          read.push(data.toString());
          if (isOurs) structuredClone(data, { transfer: [data.buffer as ArrayBuffer] });
          if (read.length === 3) resolve();
        });
        peer.send(...['one', 'two', 'three'].map((payload) => ({ opcode: 1, payload })));
      });
      expect(read).toEqual(['one', 'two', 'three']);
    },
  );

  if (!isOurs) return;

  /** Sends what A and B have to say in turns, and tells what stands behind all that they are given. */
  async function overheard(
    options: Record<string, unknown>,
    prepare: (ws: Client) => void,
    say: (peer: RawPeer, mark: string, round: number) => void,
    raw: Record<string, unknown> = {},
    name = 'message',
  ): Promise<string[]> {
    const seen = new Set<string>();
    const pairs = [await rawClient(implementation, options, raw), await rawClient(implementation, options, raw)];
    for (let round = 0; round < 12; round++) {
      for (const [index, mark] of ['A', 'B'].entries()) {
        const { ws, peer } = pairs[index];
        prepare(ws);
        const got = event(ws, name);
        say(peer, mark, round);
        const [data] = await got;
        seen.add(`${mark} sees ${marksBehind(data, 'AB')}`);
      }
    }
    return [...seen].sort();
  }
  const OWN = ['A sees A', 'B sees B'];

  for (const readPath of PATHS) {
    it(`neither do fragments, pings, pongs, and other shapes of messages show others' bytes [${readPath}]`, async () => {
      for (const type of ['nodebuffer', 'arraybuffer', 'fragments']) {
        const seen = await overheard(
          { readPath },
          (ws) => (ws.binaryType = type),
          (peer, mark, round) => {
            peer.send({ opcode: 2, fin: false, payload: mark.repeat(5 + 11 * round) });
            peer.send({ opcode: 0, payload: mark.repeat(7) });
          },
        );
        expect(seen).toEqual(OWN);
      }
      for (const [opcode, name] of [
        [9, 'ping'],
        [10, 'pong'],
      ] as const) {
        const seen = await overheard(
          { readPath },
          () => {},
          (peer, mark) => peer.send({ opcode, payload: mark.repeat(20) }),
          {},
          name,
        );
        expect(seen).toEqual(OWN);
      }
    });

    it.each(['handle', 'public'])(`nor do inflated messages, by zlib's %s way [${readPath}]`, async (zlibPath) => {
      for (const length of [20, 3000, 70_000]) {
        const seen = await overheard(
          { readPath, perMessageDeflate: { zlibPath } },
          () => {},
          (peer, mark) => peer.send({ opcode: 2, rsv1: true, payload: deflated(mark.repeat(length)) }),
          { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } },
        );
        expect(seen).toEqual(OWN);
      }
    });
  }

  it.each(['handle', 'public'])(
    "an inflated message has memory of its exact length, by zlib's %s way",
    async (zlibPath) => {
      const { ws, peer } = await rawClient(
        implementation,
        { perMessageDeflate: { zlibPath } },
        {
          headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
        },
      );
      for (const length of [0, 20, 3000, 70_000]) {
        const got = messages(ws, 1);
        peer.send({ opcode: 2, rsv1: true, payload: length === 0 ? Buffer.of(0) : deflated('z'.repeat(length)) });
        const [{ data }] = await got;
        expect([data.length, data.buffer.byteLength]).toEqual([length, length]);
      }
    },
  );

  it.each(PATHS)(
    'what comes with the handshake lies in a copy, where it was a part of larger memory [%s]',
    async (readPath) => {
      const { port, server: http } = await listenHttp();
      const server = ownedServer(new implementation.WebSocketServer({ noServer: true, readPath }));
      const got = new Promise<Buffer>((resolve) => {
        http.on('upgrade', (request, socket, head) => {
          const larger = Buffer.alloc(1000, 'B');
          larger.set(head, 100);
          server.handleUpgrade(request, socket, larger.subarray(100, 100 + head.length), (ws: Client) => {
            ws.on('message', resolve);
          });
        });
      });
      const after = encodeFrame({ opcode: 2, payload: 'AAAA', masked: true });
      rawRequest(port, { after });
      expect(marksBehind(await got, 'AB')).toBe('A');
    },
  );

  it.each(['handle', 'public'])(
    "nothing that is sent is left in Node's pool, which each short Buffer of the process shows, by zlib's %s way",
    async (zlibPath) => {
      const perMessageDeflate = { threshold: 0, zlibPath };
      const { client, peer, server } = await pair(implementation, {
        server: { perMessageDeflate },
        client: { perMessageDeflate },
      });
      const mark = 'own words '.repeat(3);
      const text = mark.repeat(20);
      const bytes = new Uint8Array(Buffer.from(text, 'utf8'));
      const sends: Record<string, () => void> = {
        text: () => client.send(text),
        bytes: () => client.send(bytes),
        'uncompressed text': () => client.send(text, { compress: false }),
        'an unmasked frame': () => peer.send(text, { mask: false }),
        'a fragment': () => client.send(text, { fin: false }),
        'the last of them': () => client.send(text),
        'a ping': () => client.ping(mark),
        'a broadcast': () => (server as unknown as WebSocketServer).broadcast(text, { compress: true }),
        'a Blob, and behind it': () => [new Blob([bytes]), bytes, text].forEach((data) => client.send(data)),
        'a long text': () => client.send(text.repeat(300)),
        'a close': () => client.close(1000, mark),
      };
      const left: string[] = [];
      for (const [name, send] of Object.entries(sends)) {
        const pool = freshPool();
        send();
        for (let turns = 0; turns < 20; turns++) await turn();
        if (pool.includes(mark)) left.push(name);
      }
      expect(left).toEqual([]);
    },
  );
});

/** The memory that the next short Buffers of this process share, wiped of what lay there when it was in other use. */
function freshPool(): Buffer {
  for (;;) {
    const { buffer, byteOffset } = Buffer.allocUnsafe(8);
    if (byteOffset === 0) return Buffer.from(buffer).fill(0);
  }
}
