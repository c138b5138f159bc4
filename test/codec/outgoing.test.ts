import { describe, expect, test } from 'vitest';
import { FrameEncoder } from '../../src/codec/frame-encoder.js';
import { memoryOf } from '../../src/codec/out-memory.js';
import { Outgoing } from '../../src/codec/outgoing.js';
import { kernels } from '../../src/kernels/index.js';
import { makeNodeValues } from '../../src/node/values.js';
import { FIN, Opcode, Role } from '../../src/spec/frame.js';
import { plainValues, type Values } from '../../src/values/values.js';
import { hex } from '../support/events.js';
import { Random } from '../support/random.js';

const DESK = 128 * 1024;

/** Values of their own, so that each test has a desk of its own. */
const fresh: [string, () => Values][] = [
  ['plain', () => ({ ...plainValues })],
  ['node', () => makeNodeValues()],
];

const open = (values: Values): Outgoing => new Outgoing(memoryOf(values, kernels), false);

function write(outgoing: Outgoing, octets: Uint8Array): void {
  const bytes = outgoing.reserve(octets.length);
  bytes.set(octets, outgoing.end);
  outgoing.end += octets.length;
}

function joined(chunks: Uint8Array[]): string {
  return hex(Buffer.concat(chunks));
}

describe.each(fresh)('Outgoing over %s values', (_, make) => {
  test('hands out what was written, once, in order', () => {
    const outgoing = open(make());
    expect(outgoing.take()).toEqual([]);
    expect(outgoing.takeSingle()).toBe(undefined);
    write(outgoing, Uint8Array.of(1, 2));
    write(outgoing, Uint8Array.of(3));
    expect(outgoing.length).toBe(3);
    expect(hex(outgoing.takeSingle()!)).toBe('010203');
    expect([outgoing.length, outgoing.take().length]).toEqual([0, 0]);
    write(outgoing, Uint8Array.of(4));
    outgoing.append(Uint8Array.of(5));
    write(outgoing, Uint8Array.of(6));
    expect(outgoing.length).toBe(3);
    expect(outgoing.takeSingle()).toBe(undefined);
    expect(outgoing.take().map(hex)).toEqual(['040506']);
    expect(outgoing.length).toBe(0);
  });

  test('a batch that was begun and holds nothing is no chunk', () => {
    const outgoing = open(make());
    outgoing.reserve(10);
    outgoing.append(Uint8Array.of(5));
    expect(outgoing.take().map(hex)).toEqual(['05']);
    expect(outgoing.reserve(0)).toBeInstanceOf(Uint8Array);
    outgoing.append(new Uint8Array(70_000));
    expect(outgoing.take().length).toBe(1);
  });

  test('a batch that waits goes on in memory of its own when another connection writes', () => {
    const values = make();
    const first = open(values);
    const second = open(values);
    write(first, Uint8Array.of(1, 1, 1));
    const desk = first.bytes;
    write(second, Uint8Array.of(2, 2));
    expect([first.bytes === desk, first.length]).toEqual([false, 3]);
    expect([second.bytes === desk, second.start]).toEqual([true, 0]);
    write(first, Uint8Array.of(1));
    write(second, Uint8Array.of(2));
    expect(first.length).toBe(4);
    expect([joined(first.take()), joined(second.take())]).toEqual(['01010101', '020202']);
  });

  test('many short chunks are taken as one, long ones as they are', () => {
    const outgoing = open(make());
    const shared = Uint8Array.of(5, 6);
    write(outgoing, Uint8Array.of(4));
    outgoing.append(shared);
    outgoing.append(shared);
    write(outgoing, Uint8Array.of(7));
    expect(outgoing.take().map(hex)).toEqual(['040506050607']);
    const long = new Uint8Array(64 * 1024);
    write(outgoing, Uint8Array.of(4));
    outgoing.append(long);
    const [, second] = outgoing.take();
    expect(second === long).toBe(true);
    outgoing.append(shared);
    expect(outgoing.take()[0]).toBe(shared);
    outgoing.append(long.subarray(1));
    outgoing.append(Uint8Array.of(4));
    expect(outgoing.take().map(({ length }) => length)).toEqual([64 * 1024]);
  });

  test('frames of many connections are joined once for those that send the same ones in a row', () => {
    const values = make();
    const [first, second, third, fourth] = Array.from({ length: 4 }, () => open(values));
    const frames = [Uint8Array.of(0x81, 1, 0x61), Uint8Array.of(0x81, 1, 0x62)];
    for (const each of [first, second]) for (const frame of frames) each.appendShared(frame);
    const [chunk] = first.take();
    expect(hex(chunk)).toBe('810161810162');
    expect(second.take()[0]).toBe(chunk);
    // Another order, others beside them, and fewer of them.
    for (const at of [1, 0]) third.appendShared(frames[at]);
    expect(joined(third.take())).toBe('810162810161');
    write(fourth, Uint8Array.of(0x8a, 0));
    for (const frame of frames) fourth.appendShared(frame);
    expect(joined(fourth.take())).toBe('8a00810161810162');
    third.appendShared(frames[0]);
    expect(third.take()[0]).toBe(frames[0]);
    expect(hex(chunk)).toBe('810161810162');
    // The chunk of many is nobody's to give back, and other writing forgets it.
    memoryOf(values, kernels).reuse(chunk);
    for (const frame of frames) first.appendShared(frame);
    const again = first.take()[0];
    expect([hex(again), again === chunk]).toEqual(['810161810162', false]);
  });

  test('a chunk whose owner has detached it counts no bytes when chunks are joined', () => {
    const outgoing = open(make());
    const lent = Uint8Array.of(7, 7, 7);
    write(outgoing, Uint8Array.of(1));
    outgoing.append(lent);
    write(outgoing, Uint8Array.of(2));
    structuredClone(lent, { transfer: [lent.buffer] });
    expect(outgoing.take().map(hex)).toEqual(['0102']);
  });

  test('its place holds nothing of another connection', () => {
    const values = make();
    for (let turn = 0; turn < 2; turn++) {
      const earlier = open(values);
      write(earlier, new Uint8Array(3000).fill(9));
      memoryOf(values, kernels).reuse(earlier.takeSingle()!);
    }
    const outgoing = open(values);
    const lent = new Uint8Array(2000);
    write(outgoing, Uint8Array.of(1));
    outgoing.append(lent);
    structuredClone(lent, { transfer: [lent.buffer] });
    write(outgoing, Uint8Array.of(2));
    const [chunk] = outgoing.take();
    expect(hex(chunk)).toBe('0102');
    expect(new Uint8Array(chunk.buffer).includes(9)).toBe(false);
  });

  test('a batch that outgrows the desk, and a single piece longer than it, get memory of their own', () => {
    const values = make();
    const outgoing = open(values);
    const start = new Uint8Array(DESK - 5).fill(7);
    write(outgoing, start);
    write(outgoing, Uint8Array.of(1, 2, 3, 4, 5, 6));
    const chunks = outgoing.take();
    expect(Buffer.concat(chunks).equals(Buffer.concat([start, Uint8Array.of(1, 2, 3, 4, 5, 6)]))).toBe(true);
    write(outgoing, new Uint8Array(DESK + 1).fill(9));
    expect(outgoing.takeSingle()!.every((octet) => octet === 9)).toBe(true);
    write(outgoing, Uint8Array.of(3));
    expect(joined(outgoing.take())).toBe('03');
  });

  test('what was taken is left alone, also when the desk goes with it', () => {
    const values = make();
    const taken: Uint8Array[] = [];
    const outgoing = open(values);
    for (let i = 0; i < 100; i++) {
      write(outgoing, new Uint8Array(DESK / 20).fill(i));
      taken.push(outgoing.takeSingle()!);
    }
    expect(
      taken.every((chunk, i) => chunk.length === Math.floor(DESK / 20) && chunk.every((octet) => octet === i)),
    ).toBe(true);
  });

  test("5.3 batches that are masked where they are written leave the kernels' memory when they are taken or must wait", () => {
    const values = make();
    const first = new Outgoing(memoryOf(values, kernels), true);
    const second = new Outgoing(memoryOf(values, kernels), true);
    const unmasked = open(values);
    const frame = (octet: number): Uint8Array => naiveFrame(0x82, Uint8Array.of(octet, octet), true);
    write(unmasked, Uint8Array.of(9));
    write(first, frame(1));
    expect([first.bytes === kernels.bytes, first.start]).toEqual([true, kernels.outgoingAddress]);
    write(second, frame(2));
    expect([second.bytes === kernels.bytes, second.start]).toEqual([true, kernels.outgoingAddress]);
    expect(first.bytes === kernels.bytes).toBe(false);
    const taken = [second, first, unmasked].flatMap((outgoing) => outgoing.take());
    write(second, frame(3));
    write(unmasked, new Uint8Array(1000).fill(3));
    expect(taken.map(hex)).toEqual([hex(frame(2)), hex(frame(1)), '09']);
    expect(taken.every(({ buffer }) => buffer !== kernels.bytes.buffer)).toBe(true);
    write(first, new Uint8Array(DESK + 1).fill(4));
    expect(first.takeSingle()!.length).toBe(DESK + 1);
  });

  test('a tray that was claimed serves again once it is given back, whatever was taken since', () => {
    const line = new FrameEncoder({ role: Role.Server, kernels, values: make() });
    const take = (length: number): Uint8Array => {
      line.put(FIN | Opcode.Binary, new Uint8Array(length).fill(7), length, false);
      return line.take()[0];
    };
    const first = take(10);
    expect(line.claim(new Uint8Array(1))).toBeUndefined();
    // Its memory is its own: a tray takes its place.
    expect(line.claim(first)).toBeUndefined();
    line.giveBack(first.length, undefined);
    const second = take(20);
    const tray = line.claim(second);
    expect(tray?.bytes.buffer).toBe(second.buffer);
    line.reuse(second);
    const third = take(30);
    expect(third.buffer).not.toBe(second.buffer);
    line.giveBack(second.length, tray);
    const fourth = take(5);
    expect(fourth.buffer).toBe(second.buffer);
    expect(new Uint8Array(fourth.buffer).subarray(fourth.length).every((byte) => byte === 0)).toBe(true);
    // Spare trays are limited, and long chunks have none.
    for (let count = 0; count < 200; count++) line.giveBack(10, undefined);
    line.giveBack(100_000, undefined);
    expect(new Set(Array.from({ length: 100 }, () => take(1).buffer.byteLength))).toEqual(new Set([1024, 3]));
  });

  test.each([Role.Server, Role.Client])(
    'long batches of role %s serve from one memory once they are given back',
    (role) => {
      const line = new FrameEncoder({ role, kernels, values: make() });
      const take = (): Uint8Array => {
        for (let at = 0; at < 5; at++) line.frame(FIN | Opcode.Binary, new Uint8Array(4096).fill(7));
        return line.take()[0];
      };
      line.reuse(take());
      const second = take();
      line.giveBack(second.length, line.claim(second));
      expect(take().buffer).toBe(second.buffer);
    },
  );

  test('reuse takes the chunk of the last take back, once, and no other', () => {
    const values = make();
    const memory = memoryOf(values, kernels);
    const [first, second] = [open(values), open(values)];
    const take = (outgoing: Outgoing, byte: number): Uint8Array => {
      write(outgoing, Uint8Array.of(byte));
      return outgoing.takeSingle()!;
    };
    memory.reuse(take(first, 1));
    const early = take(first, 2);
    const late = take(second, 3);
    memory.reuse(early);
    memory.reuse(new Uint8Array(1));
    expect(take(second, 4).buffer === early.buffer).toBe(false);
    expect([hex(early), hex(late)]).toEqual(['02', '03']);
    memory.reuse(take(first, 5));
    const again = take(second, 6);
    memory.reuse(again);
    memory.reuse(again);
    const [third, fourth] = [take(first, 7), take(second, 8)];
    expect([third.buffer === again.buffer, fourth.buffer === again.buffer]).toEqual([true, false]);
    expect([hex(third), hex(fourth)]).toEqual(['07', '08']);
  });

  test.each([
    [1, 1000, 1],
    [5000, 16_000, 4500],
    [70_000, 100_000, 30_000],
  ])(
    'behind a chunk lies nothing but the chunk and zeros, however its memory was used before: %i, %i, %i',
    (...lengths) => {
      const values = make();
      const memory = memoryOf(values, kernels);
      for (const [role, outgoing] of [open(values), new Outgoing(memory, true)].entries()) {
        const other = open(values);
        for (const [at, length] of [...lengths, ...lengths].entries()) {
          write(
            outgoing,
            role === 0
              ? new Uint8Array(length).fill(at + 1)
              : naiveFrame(0x82, new Uint8Array(length).fill(at + 1), true),
          );
          // Every other batch makes way for another connection.
          if (at % 2 === 1) {
            write(other, new Uint8Array(length).fill(99));
            other.take();
          }
          const chunk = outgoing.takeSingle()!;
          const whole = new Uint8Array(chunk.buffer);
          expect(whole.subarray(chunk.byteOffset + chunk.length).every((byte) => byte === 0)).toBe(true);
          expect(whole.subarray(0, chunk.byteOffset).every((byte) => byte === 0)).toBe(true);
          expect(chunk.subarray(20).every((byte) => byte === at + 1)).toBe(true);
          memory.reuse(chunk);
        }
      }
    },
  );

  test('a chunk that is not given back pins no more than itself, or eight times that', () => {
    const values = make();
    const memory = memoryOf(values, kernels);
    const outgoing = open(values);
    for (const length of [1, 1000, 1025, 5000, 16_384, 16_385, 64 * 1024]) {
      for (let round = 0; round < 3; round++) {
        write(outgoing, new Uint8Array(length));
        const { buffer } = outgoing.takeSingle()!;
        expect(buffer.byteLength <= Math.max(1024, 8 * length)).toBe(true);
        write(outgoing, new Uint8Array(length));
        memory.reuse(outgoing.takeSingle()!);
      }
    }
  });

  test('5.4 frames of many connections, written in any order, are never mixed, cut or written over', () => {
    const values = make();
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const lines = Array.from({ length: 5 }, (_, index) => ({
        encoder: new FrameEncoder({
          role: index % 2 === 0 ? Role.Server : Role.Client,
          values,
          generateMask: (into) => void into.fill(0),
        }),
        isMasked: index % 2 === 1,
        expected: [] as Uint8Array[],
        written: [] as Uint8Array[],
        sent: [] as Uint8Array[],
      }));
      for (let step = 0; step < 120; step++) {
        const line = random.pick(lines);
        const payload = random.octets(random.oneIn(25) ? random.between(60_000, 70_000) : random.between(0, 200));
        switch (random.below(6)) {
          case 0: {
            const chunks = line.encoder.take();
            line.written.push(...chunks);
            // Written at once, with nobody holding it: copied, and its place given back.
            if (chunks.length === 1 && random.oneIn(2)) {
              line.written[line.written.length - 1] = new Uint8Array(chunks[0]);
              line.encoder.reuse(chunks[0]);
            }
            break;
          }
          case 1: {
            const text = 'é€😀a'.repeat(random.below(30));
            line.encoder.text(FIN | Opcode.Text, text);
            line.expected.push(naiveFrame(FIN | Opcode.Text, Buffer.from(text), line.isMasked));
            break;
          }
          case 2:
            line.encoder.raw(payload, random.oneIn(2));
            line.expected.push(payload);
            break;
          default:
            line.encoder.frame(FIN | Opcode.Binary, payload, random.oneIn(2));
            line.expected.push(naiveFrame(FIN | Opcode.Binary, payload, line.isMasked));
        }
      }
      for (const { encoder, written, expected } of lines) {
        written.push(...encoder.take());
        expect(encoder.length).toBe(0);
        expect(Buffer.concat(written).equals(Buffer.concat(expected)), `seed ${seed}`).toBe(true);
      }
    }
  });
});

/** A frame with a masking key of zeros, written as RFC 6455 5.2 draws it. */
function naiveFrame(first: number, payload: Uint8Array, isMasked: boolean): Uint8Array {
  const { length } = payload;
  const bit = isMasked ? 0x80 : 0;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = bit | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, isMasked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}
