import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { newStatistics } from '../../src/codec/statistics.js';
import { makeNodeValues } from '../../src/node/values.js';
import { Role } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import { hex, octets } from '../support/events.js';
import { playEveryWay, playPromptly } from '../support/feeder.js';
import { frameDecoder, KERNELS } from '../support/our-decoders.js';
import { Random } from '../support/random.js';
import { encodeFrame } from '../support/raw-peer.js';
import { decodeReference } from '../support/reference-decoder.js';
import { VECTORS } from '../vectors/index.js';

describe.each(KERNELS)('FrameDecoder on $name', (kernels) => {
  for (const { name, section, role, options, wire, events } of VECTORS) {
    test(`${section} ${name}`, () => {
      const all = { role, ...options };
      playEveryWay(octets(wire), all, events, (given) => frameDecoder(given, kernels));
      if (wire.length < 1000) playPromptly(octets(wire), all, (given) => frameDecoder(given, kernels), decodeReference);
    });
  }

  test('reads one decoder after another has begun: what was not read yet is carried away', () => {
    const first = new FrameDecoder({ role: Role.Client, kernels });
    const second = new FrameDecoder({ role: Role.Client, kernels });
    const chunk = octets('8103 616263  8203 010203  8901 70');
    first.push(chunk);
    expect(first.next()).toBe(true);
    second.push(octets('8102 7a7a'));
    chunk.fill(0xff);
    expect(hex(first.payload())).toBe('616263');
    expect(first.next()).toBe(true);
    expect(hex(first.payload())).toBe('010203');
    expect(second.next()).toBe(true);
    expect(hex(second.payload())).toBe('7a7a');
    expect(first.next()).toBe(true);
    expect(hex(first.payload())).toBe('70');
    expect(first.next()).toBe(false);
    expect(second.next()).toBe(false);
  });

  test('takes in a chunk while an earlier one is not read to its end', () => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    decoder.push(octets('8101 61 8101 62 81'));
    decoder.next();
    decoder.push(octets('01 63'));
    decoder.push(octets('8101 64'));
    const read = [hex(decoder.payload())];
    while (decoder.next()) read.push(hex(decoder.payload()));
    expect(read).toEqual(['61', '62', '63', '64']);
    expect(decoder.isIdle).toBe(true);
  });

  test('walks more frames than the record table holds, and chunks longer than the arena', () => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    const frames = kernels.recordCapacity * 3 + 5;
    decoder.push(new Uint8Array(Buffer.from('8101'.concat('2a').repeat(frames), 'hex')));
    let count = 0;
    while (decoder.next()) count += decoder.payload()[0] === 0x2a ? 1 : 0;
    expect(count).toBe(frames);

    const length = kernels.arenaLength * 2 + 77;
    const long = new Uint8Array(10 + length);
    long.set([0x82, 127, 0, 0, 0, 0]);
    new DataView(long.buffer).setUint32(6, length);
    for (let i = 10; i < long.length; i++) long[i] = i % 251;
    decoder.push(long);
    const read: number[] = [];
    while (decoder.next()) {
      if (decoder.start) expect(decoder.frameLength).toBe(length);
      for (const octet of decoder.payload()) read.push(octet);
    }
    expect(Buffer.compare(Buffer.from(read), Buffer.from(long.subarray(10)))).toBe(0);
  });

  test('hands out payloads that are not WASM memory, and stay as they are', () => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    const kept: Uint8Array[] = [];
    for (let i = 0; i < 50; i++) {
      decoder.push(octets('8203 010203 8204 04050607 8200'));
      while (decoder.next()) kept.push(decoder.payload());
      kernels.bytes.fill(0xa5, kernels.arenaAddress, kernels.arenaAddress + 64);
    }
    expect(kept.every((payload) => payload.buffer !== kernels.bytes.buffer)).toBe(true);
    expect([...new Set(kept.map(hex))]).toEqual(['010203', '04050607', '']);
  });

  test('a chunk that waits is a copy, of a Buffer too, and so is the rest of one that another decoder interrupts', () => {
    const values = makeNodeValues(kernels);
    const decoder = new FrameDecoder({ role: Role.Client, kernels, values });
    const chunk = Buffer.from(octets('8101 61 8101 62'));
    decoder.push(chunk);
    decoder.next();
    decoder.push(chunk);
    // More frames than one scan takes, so that some of the chunk waits unscanned.
    const long = Buffer.from('810163'.repeat(kernels.recordCapacity + 9), 'hex');
    decoder.push(long);
    chunk.fill(0xff);
    long.fill(0xff);
    let read = Buffer.from(decoder.payload()).toString();
    while (decoder.next()) read += Buffer.from(decoder.payload()).toString();
    expect(read).toBe('abab' + 'c'.repeat(kernels.recordCapacity + 9));

    const many = Buffer.from('810164'.repeat(kernels.recordCapacity + 9), 'hex');
    decoder.push(many);
    new FrameDecoder({ role: Role.Client, kernels }).push(octets('8100'));
    decoder.leave();
    many.fill(0xff);
    let count = 0;
    while (decoder.next()) count += Number(Buffer.from(decoder.payload()).toString() === 'd');
    expect(count).toBe(kernels.recordCapacity + 9);
  });

  test.each(['push', 'pushOwned', 'pushLanded'] as const)(
    'leave() after %s: at every point of the chunk nothing is lost, also where the chunk is half a header',
    (door) => {
      const wire = octets('8103 616263  8203 010203  8901 70  8102 c3a9  82');
      const expected = ['616263', '010203', '70', 'c3a9'];
      const put = (decoder: FrameDecoder, chunk: Uint8Array): void => {
        if (door === 'push') decoder.push(chunk);
        else if (door === 'pushOwned') decoder.pushOwned(chunk);
        else {
          kernels.bytes.set(chunk, kernels.landingAddress);
          decoder.pushLanded(chunk.length);
        }
      };
      for (const values of [undefined, makeNodeValues(kernels)]) {
        for (let cut = 1; cut <= wire.length; cut++) {
          for (let reads = 0; reads <= 5; reads++) {
            const decoder = new FrameDecoder({ role: Role.Client, kernels, values });
            const read: string[] = [];
            const chunk = wire.slice(0, cut);
            put(decoder, chunk);
            for (let i = 0; i < reads && decoder.next(); i++) readPiece(decoder, read);
            decoder.leave();
            expect(kernels.tenant === decoder).toBe(false);
            if (door === 'push') chunk.fill(0xee);
            kernels.bytes.fill(0xa5, kernels.arenaAddress, kernels.arenaAddress + 64);
            kernels.bytes.fill(0xa5, kernels.landingAddress, kernels.landingAddress + 64);
            while (decoder.next()) readPiece(decoder, read);
            put(decoder, wire.slice(cut));
            while (decoder.next()) readPiece(decoder, read);
            expect(read, `cut ${cut}, ${reads} reads`).toEqual(expected);
          }
        }
      }
    },
  );

  // H01
  test('chunks of many decoders, read in any order, never mix: each finds only its own alphabet', () => {
    const values = makeNodeValues(kernels);
    const random = new Random(11);
    const lines = Array.from({ length: 16 }, (_, index) => ({
      letter: 65 + index,
      decoder: new FrameDecoder({ role: index % 2 === 0 ? Role.Client : Role.Server, kernels, values }),
      stream: new Uint8Array(0) as Uint8Array,
      sent: 0,
      read: 0,
      kept: [] as Uint8Array[],
    }));
    for (let step = 0; step < 4000; step++) {
      const line = random.pick(lines);
      if (line.stream.length === 0) {
        const length = random.oneIn(9) ? random.between(5000, 20_000) : random.between(0, 300);
        const payload = Buffer.alloc(length, line.letter);
        line.stream = encodeFrame({ opcode: 2, payload, masked: line.letter % 2 === 0 });
        line.sent += length;
      }
      const cut = random.oneIn(2) ? line.stream.length : random.between(0, line.stream.length);
      const chunk = Buffer.from(line.stream.subarray(0, cut));
      line.stream = line.stream.subarray(cut);
      const door = random.below(3);
      if (door === 0) {
        const copy = chunk.toString('hex');
        line.decoder.push(chunk);
        expect(chunk.toString('hex')).toBe(copy);
      } else if (door === 1) line.decoder.pushOwned(chunk);
      else {
        kernels.bytes.set(chunk, kernels.landingAddress);
        line.decoder.pushLanded(chunk.length);
        if (random.oneIn(2)) {
          line.decoder.leave();
          kernels.bytes.fill(0xa5, kernels.landingAddress, kernels.landingAddress + chunk.length);
        }
      }
      const stopAt = random.below(4);
      for (let i = 0; i !== stopAt && line.decoder.next(); i++) keep(line);
      // What lies in the landing area is read before another socket's octets come there.
      if (door === 2) line.decoder.leave();
    }
    for (const line of lines) {
      line.decoder.push(line.stream);
      while (line.decoder.next()) keep(line);
      expect(line.decoder.isIdle).toBe(true);
      expect(line.read).toBe(line.sent);
      expect(line.kept.every((payload) => payload.every((octet) => octet === line.letter))).toBe(true);
      expect(line.kept.some(({ buffer }) => buffer === kernels.bytes.buffer)).toBe(false);
    }
    expect(kernels.tenant === undefined).toBe(true);
  });

  test('tells how many octets lie unread, without what a violation says', () => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    expect(decoder.unread).toBe(0);
    decoder.push(octets('8203 010203 8202 0405 8b00'));
    decoder.push(octets('820100'));
    // The second chunk comes after a violation and is dropped.
    expect(decoder.unread).toBe(5);
    decoder.next();
    expect(decoder.unread).toBe(2);
    decoder.stop();
    expect([decoder.unread, decoder.next(), decoder.isBusy, decoder.isStopped]).toEqual([0, false, false, true]);
    decoder.push(octets('820100'));
    expect(decoder.next()).toBe(false);
  });

  test('tells of chunks that wait behind others too', () => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    decoder.push(octets('8203 010203'));
    decoder.push(octets('820104'));
    decoder.push(octets('8202 0506'));
    decoder.push(octets('8b00'));
    expect(decoder.unread).toBe(3 + 3 + 4 + 2);
    let count = 0;
    while (decoder.next()) count++;
    expect([count, decoder.unread]).toEqual([4, 0]);
  });

  test('a chunk that landed and holds more frames than the record table is read to its end', () => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    const frames = kernels.recordCapacity + 7;
    kernels.bytes.set(Buffer.from('810165'.repeat(frames), 'hex'), kernels.landingAddress);
    decoder.pushLanded(3 * frames);
    expect(decoder.unread).toBe(kernels.recordCapacity + 3 * 7);
    kernels.bytes.fill(0xa5, kernels.landingAddress + 3 * kernels.recordCapacity, kernels.landingAddress + 3 * frames);
    let count = 0;
    while (decoder.next()) count += Number(hex(decoder.payload()) === '65');
    expect(count).toBe(frames);
  });

  test('8.1 tells of text whether it is ASCII, and whether it is left to the platform’s validator', () => {
    const values = makeNodeValues(kernels);
    const decoder = new FrameDecoder({ role: Role.Client, kernels, values });
    const told: boolean[][] = [];
    for (const text of ['a', 'é', 'é'.repeat(50_000)]) {
      decoder.push(encodeFrame({ payload: text }));
      while (decoder.next()) told.push([decoder.isAscii, decoder.isUnchecked]);
    }
    expect(told).toEqual([
      [true, false],
      [false, false],
      [false, values.isUtf8 !== undefined],
    ]);
  });

  test('5.2 remaining is what is still to come of the frame, 0 at its end', () => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    const remaining = [];
    for (const part of ['8205 01', '0203', '0405']) {
      decoder.push(octets(part));
      while (decoder.next()) remaining.push(decoder.remaining);
    }
    expect(remaining).toEqual([4, 2, 0]);
  });

  test('leave() carries a violation away too, and copyTo and text read from what was carried', () => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    decoder.push(octets('8103 616263 8301 00'));
    decoder.leave();
    kernels.bytes.fill(0xa5, kernels.arenaAddress, kernels.arenaAddress + 64);
    kernels.words.fill(-1, kernels.recordsAddress >>> 2, (kernels.recordsAddress >>> 2) + 64);
    const copy = new Uint8Array(5);
    expect(decoder.next()).toBe(true);
    decoder.copyTo(copy, 1);
    expect([hex(copy), decoder.text(true)]).toEqual(['0061626300', 'abc']);
    expect(decoder.next()).toBe(true);
    expect([decoder.violation, decoder.detail, decoder.next()]).toEqual([Violation.InvalidOpcode, 3, false]);
  });

  test('counts frames, messages and octets up to a violation', () => {
    const { received } = newStatistics();
    const decoder = new FrameDecoder({ role: Role.Client, kernels, traffic: received });
    decoder.push(octets('0102 6162 8900 8001 63 8300'));
    while (decoder.next());
    expect([received.messages, received.octets]).toEqual([1, 3]);
    expect([0, 1, 9].map((opcode) => received.frames[opcode])).toEqual([1, 1, 1]);
  });

  test('7.4.1 turns a trap in a kernel into one violation of this connection', () => {
    const broken = {
      ...kernels,
      scanFrames: (): number => {
        throw new RangeError('trap');
      },
    };
    const decoder = new FrameDecoder({ role: Role.Client, kernels: broken });
    decoder.push(octets('8100'));
    expect(decoder.next()).toBe(true);
    expect(decoder.violation).toBe(Violation.Internal);
    expect(decoder.next()).toBe(false);
  });
});

test('a decoder that is given a role alone uses the kernels of the thread', () => {
  const decoder = new FrameDecoder({ role: Role.Client });
  decoder.push(octets('8101 61'));
  expect([decoder.next(), hex(decoder.payload()), decoder.next()]).toEqual([true, '61', false]);
});

function readPiece(decoder: FrameDecoder, into: string[]): void {
  if (decoder.start) into.push('');
  into[into.length - 1] += hex(decoder.payload());
}

interface Line {
  decoder: FrameDecoder;
  read: number;
  kept: Uint8Array[];
}

function keep(line: Line): void {
  expect(line.decoder.violation).toBe(Violation.None);
  line.read += line.decoder.length;
  line.kept.push(line.decoder.payload());
}
