// Compressed messages between connections with real engines, both roles, both ways to use zlib: what stands between the
// fragments of a message does not change it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Connection } from '../../src/connection/connection.js';
import { EventType } from '../../src/connection/event.js';
import type { DeflateAgreement } from '../../src/extensions/permessage-deflate.js';
import { createDeflater, createInflater, type ZlibPath } from '../../src/node/deflate/engines.js';
import { Opcode, Role } from '../../src/spec/frame.js';
import { compressed, jsonLike, PATHS, seeded } from '../support/deflate.js';
import { decodeFrames, encodeFrame, type RawFrame } from '../support/raw-peer.js';

interface Told {
  messages: { data: Buffer; isBinary: boolean }[];
  controls: string[];
  errors: string[];
}

/** A connection that is fed and asked, whatever its engines answer later. */
class Played {
  readonly connection: Connection;
  readonly told: Told = { messages: [], controls: [], errors: [] };
  readonly #output: Uint8Array[] = [];
  #wake: (() => void) | undefined;

  constructor(role: Role, zlibPath: ZlibPath, agreed: DeflateAgreement) {
    const inflater = createInflater(agreed, role, { zlibPath }, (result) => {
      this.connection.inflated(result);
      this.#advance();
    });
    const deflater = createDeflater(agreed, role, { zlibPath }, (result) => {
      this.connection.deflated(result);
      this.#advance();
    });
    this.connection = new Connection({ role, inflater, deflater });
  }

  receive(chunk: Uint8Array): void {
    this.connection.receive(chunk);
    this.#advance();
    this.connection.detach();
  }

  /** Resolves when neither engine is busy. */
  async settled(): Promise<void> {
    while (this.connection.isInflating || this.connection.queuedMessages > 0) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#advance();
  }

  /** What has been sent so far. */
  frames(): RawFrame[] {
    return decodeFrames(Buffer.concat(this.#output));
  }

  #advance(): void {
    const { messages, controls, errors } = this.told;
    for (let event = this.connection.next(); event !== undefined; event = this.connection.next()) {
      switch (event.type) {
        case EventType.Message:
          messages.push({ data: Buffer.from(event.data as Uint8Array), isBinary: event.isBinary });
          break;
        case EventType.Ping:
        case EventType.Pong:
          controls.push(
            `${event.type === EventType.Ping ? 'ping' : 'pong'} ${Buffer.from(event.data).toString('hex')}`,
          );
          break;
        case EventType.Failure:
          errors.push(`${event.error.closeCode} ${event.error.code}`);
          break;
        case EventType.Close:
        case EventType.Part:
          break;
      }
    }
    this.#output.push(...this.connection.takeOutput().map((chunk) => chunk.slice()));
    this.#wake?.();
  }
}

/** What stands behind a fragment. */
const control = fc.record({
  opcode: fc.constantFrom(Opcode.Ping, Opcode.Pong),
  payload: fc.uint8Array({ maxLength: 20 }),
});
const message = fc.record({
  isBinary: fc.boolean(),
  compress: fc.boolean(),
  seed: fc.nat(1000),
  // Past 64 KiB the engines answer later.
  length: fc.oneof(
    { weight: 8, arbitrary: fc.nat(3000) },
    { weight: 1, arbitrary: fc.integer({ min: 70_000, max: 150_000 }) },
  ),
  fragments: fc.array(fc.record({ share: fc.nat(100), controls: fc.array(control, { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 5,
  }),
});
const conversation = fc.record({
  contextTakeover: fc.boolean(),
  messages: fc.array(message, { minLength: 1, maxLength: 4 }),
  chunk: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(100_000)),
});
type Conversation = typeof conversation extends fc.Arbitrary<infer T> ? T : never;
type Message = Conversation['messages'][number];

const dataOf = ({ length, seed }: Message): Buffer => jsonLike(length, seeded(seed));

/** Where each fragment of `length` bytes ends; a share of none makes an empty one. */
function endsOf({ fragments }: Message, length: number): number[] {
  const total = fragments.reduce((sum, { share }) => sum + share, 0) || 1;
  let sum = 0;
  return fragments.map(({ share }, at) => {
    sum += share;
    return at === fragments.length - 1 ? length : Math.floor((length * sum) / total);
  });
}

const agreementOf = ({ contextTakeover }: Conversation): DeflateAgreement => ({
  serverNoContextTakeover: !contextTakeover,
  clientNoContextTakeover: !contextTakeover,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
});

function expectTold(told: Told, { messages }: Conversation): void {
  expect(told.errors).toEqual([]);
  expect(told.controls).toEqual(
    messages
      .flatMap(({ fragments }) => fragments.flatMap(({ controls }) => controls))
      .map(
        ({ opcode, payload }) => `${opcode === Opcode.Ping ? 'ping' : 'pong'} ${Buffer.from(payload).toString('hex')}`,
      ),
  );
  expect(told.messages.map(({ isBinary }) => isBinary)).toEqual(messages.map(({ isBinary }) => isBinary));
  told.messages.forEach(({ data }, at) => expect(data.equals(dataOf(messages[at]))).toBe(true));
}

async function play(receiver: Played, wire: Buffer, chunk: number): Promise<void> {
  for (let at = 0; at < wire.length; at += chunk) {
    await receiver.settled();
    receiver.receive(Uint8Array.from(wire.subarray(at, at + chunk)));
  }
  await receiver.settled();
}

describe.each(PATHS)('%s', (zlibPath) => {
  describe.each([
    { role: 'server', receives: Role.Server, sends: Role.Client },
    { role: 'client', receives: Role.Client, sends: Role.Server },
  ])('$role', ({ receives, sends }) => {
    test('B08 RFC 6455 5.4: control frames between the bytes of a compressed message, wherever it is cut, do not change it', async () => {
      const played = async (talk: Conversation): Promise<void> => {
        let before: Buffer | undefined;
        const frames = talk.messages.flatMap((one) => {
          const data = dataOf(one);
          const dictionary = talk.contextTakeover ? before : undefined;
          const payload = one.compress ? compressed(data, dictionary && { dictionary }) : data;
          // zlib takes no empty dictionary, and an uncompressed message is no part of the context.
          if (one.compress && data.length > 0) before = Buffer.concat([before ?? Buffer.alloc(0), data]);
          const ends = endsOf(one, payload.length);
          return one.fragments.flatMap(({ controls }, at) => [
            {
              opcode: at > 0 ? 0 : one.isBinary ? 2 : 1,
              fin: at === ends.length - 1,
              rsv1: at === 0 && one.compress,
              payload: payload.subarray(ends[at - 1] ?? 0, ends[at]),
            },
            ...controls,
          ]);
        });
        const wire = frames.map((frame) => encodeFrame({ ...frame, masked: receives === Role.Server }));
        const receiver = new Played(receives, zlibPath, agreementOf(talk));
        await play(receiver, Buffer.concat(wire), talk.chunk);
        expectTold(receiver.told, talk);
        const pongs = receiver.frames();
        expect(pongs.filter(({ opcode, rsv1 }) => opcode !== 10 || rsv1)).toEqual([]);
        receiver.connection.dispose();
      };
      await fc.assert(fc.asyncProperty(conversation, played), { numRuns: 60 });
    }, 120_000);

    test('B08 RFC 7692 6.1: fragments that are sent compressed, with control frames between, arrive as they were; RSV1 stands on the first alone', async () => {
      const played = async (talk: Conversation): Promise<void> => {
        const sender = new Played(sends, zlibPath, agreementOf(talk));
        for (const one of talk.messages) {
          const data = dataOf(one);
          const ends = endsOf(one, data.length);
          one.fragments.forEach(({ controls }, at) => {
            const fin = at === ends.length - 1;
            const part = data.subarray(ends[at - 1] ?? 0, ends[at]);
            sender.connection.send(part, { binary: one.isBinary, fin, compress: one.compress });
            for (const { opcode, payload } of controls) {
              if (opcode === Opcode.Ping) sender.connection.ping(payload);
              else sender.connection.pong(payload);
            }
          });
        }
        await sender.settled();
        const frames = sender.frames();
        const first = frames.filter(({ opcode }) => opcode === 1 || opcode === 2);
        expect(first.map(({ rsv1 }) => rsv1)).toEqual(talk.messages.map(({ compress }) => compress));
        expect(frames.filter(({ opcode, rsv1 }) => rsv1 && opcode !== 1 && opcode !== 2)).toEqual([]);
        const wire = frames.map((frame) => encodeFrame({ ...frame, masked: receives === Role.Server }));
        const receiver = new Played(receives, zlibPath, agreementOf(talk));
        await play(receiver, Buffer.concat(wire), talk.chunk);
        expectTold(receiver.told, talk);
        sender.connection.dispose();
        receiver.connection.dispose();
      };
      await fc.assert(fc.asyncProperty(conversation, played), { numRuns: 60 });
    }, 120_000);
  });
});
