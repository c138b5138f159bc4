import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { newStatistics } from '../../src/codec/statistics.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { makeNodeValues } from '../../src/node/values.js';
import { Role } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import { plainValues, type Values } from '../../src/values/values.js';
import { hex, octets } from '../support/events.js';
import { playEveryWay, playPromptly } from '../support/feeder.js';
import { frameDecoder, KERNELS } from '../support/our-decoders.js';
import { Random } from '../support/random.js';
import { encodeFrame } from '../support/raw-peer.js';
import { decodeReference } from '../support/reference-decoder.js';
import { VECTORS } from '../vectors/index.js';

const DOORS = ['push', 'pushOwned', 'pushLanded'] as const;

describe.each(KERNELS)('FrameDecoder on $name', (kernels) => {
  /** Hands a chunk in: copied, given away, or put where a socket would put it. */
  function give(decoder: FrameDecoder, door: (typeof DOORS)[number], chunk: Uint8Array): void {
    if (door !== 'pushLanded') decoder[door](chunk);
    else {
      kernels.bytes.set(chunk, kernels.landingAddress);
      decoder.pushLanded(chunk.length);
    }
  }

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

  test('a decoder that is read to its end leaves what another one has scanned where it is, until a third one scans', () => {
    const [first, second, third] = [1, 2, 3].map(() => new FrameDecoder({ role: Role.Client, kernels }));
    first.push(octets('8101 61'));
    second.push(octets('8102 6262'));
    expect([first.next(), hex(first.payload()), first.next()]).toEqual([true, '61', false]);
    third.push(octets('8103 636363'));
    expect([second.next(), hex(second.payload()), second.next()]).toEqual([true, '6262', false]);
    expect([third.next(), hex(third.payload()), third.next()]).toEqual([true, '636363', false]);
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

  test.each(DOORS)(
    'leave() after %s: at every point of the chunk nothing is lost, also where the chunk is half a header',
    (door) => {
      const wire = octets('8103 616263  8203 010203  8901 70  8102 c3a9  82');
      const expected = ['616263', '010203', '70', 'c3a9'];
      for (const values of [undefined, makeNodeValues(kernels)]) {
        for (let cut = 1; cut <= wire.length; cut++) {
          for (let reads = 0; reads <= 5; reads++) {
            const decoder = new FrameDecoder({ role: Role.Client, kernels, values });
            const read: string[] = [];
            const chunk = wire.slice(0, cut);
            give(decoder, door, chunk);
            for (let i = 0; i < reads && decoder.next(); i++) readPiece(decoder, read);
            decoder.leave();
            expect(kernels.tenant === decoder).toBe(false);
            if (door === 'push') chunk.fill(0xee);
            kernels.bytes.fill(0xa5, kernels.arenaAddress, kernels.arenaAddress + 64);
            kernels.bytes.fill(0xa5, kernels.landingAddress, kernels.landingAddress + 64);
            while (decoder.next()) readPiece(decoder, read);
            give(decoder, door, wire.slice(cut));
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
      // What lies in the landing area is read before another socket's bytes come there.
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

  test.each(DOORS)('tells how many bytes lie unread, without what a violation says, after %s', (door) => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    expect(decoder.unread).toBe(0);
    give(decoder, door, octets('8203 010203 8202 0405 8b00'));
    // The second chunk comes after a violation and is dropped.
    give(decoder, door, octets('820100'));
    expect(decoder.unread).toBe(5);
    decoder.next();
    expect(decoder.unread).toBe(2);
    decoder.stop();
    expect([decoder.unread, decoder.next(), decoder.isBusy, decoder.isStopped]).toEqual([0, false, false, true]);
    give(decoder, door, octets('820100'));
    expect(decoder.next()).toBe(false);
  });

  test.each(DOORS)(
    'nothing is left behind the last frame, behind a violation or at an empty chunk, after %s',
    (door) => {
      const decoder = new FrameDecoder({ role: Role.Client, kernels });
      give(decoder, door, octets('8101 61'));
      give(decoder, door, new Uint8Array(0));
      expect([decoder.isBusy, decoder.isIdle, decoder.next()]).toEqual([true, false, true]);
      expect([decoder.isBusy, decoder.isIdle, decoder.unread]).toEqual([false, true, 0]);
      give(decoder, door, octets('81'));
      expect([decoder.isBusy, decoder.isIdle]).toEqual([false, false]);
      give(decoder, door, octets('00 8300 8101 61'));
      expect([decoder.next(), decoder.violation]).toEqual([true, Violation.None]);
      expect([decoder.next(), decoder.violation]).toEqual([true, Violation.InvalidOpcode]);
      expect([decoder.isBusy, decoder.unread, decoder.next()]).toEqual([false, 0, false]);
    },
  );

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

  test.each(DOORS)(
    'a chunk with more frames than the record table is read to its end, and one behind it, after %s',
    (door) => {
      const decoder = new FrameDecoder({ role: Role.Client, kernels });
      const frames = kernels.recordCapacity * 2 + 7;
      give(decoder, door, Buffer.from('810165'.repeat(frames), 'hex'));
      const { recordCapacity, landingAddress } = kernels;
      expect(decoder.unread).toBe(recordCapacity + 3 * (recordCapacity + 7));
      if (door === 'pushLanded')
        kernels.bytes.fill(0xa5, landingAddress + 3 * recordCapacity, landingAddress + 3 * frames);
      give(decoder, door, octets('8101 65'));
      let count = 0;
      while (decoder.next()) {
        count += Number(hex(decoder.payload()) === '65');
        if (count === recordCapacity + 1) expect(decoder.unread).toBe(recordCapacity - 1 + 3 * 7 + 3);
      }
      expect(count).toBe(frames + 1);
    },
  );

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
      [false, true],
    ]);
    const plain = new FrameDecoder({ role: Role.Client, kernels });
    plain.push(encodeFrame({ payload: 'é'.repeat(50_000) }));
    expect([plain.next(), plain.isUnchecked]).toEqual([true, false]);
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

  test.each(DOORS)('a violation stays once it was told, after %s', (door) => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    const another = new FrameDecoder({ role: Role.Client, kernels });
    give(decoder, door, octets('8101 61 8301 00'));
    let frames = 0;
    while (decoder.next()) frames++;
    const stays = (): void => {
      expect([decoder.violation, decoder.detail, decoder.next()]).toEqual([Violation.InvalidOpcode, 3, false]);
      expect([decoder.length, decoder.unread, decoder.isBusy, decoder.payload()]).toEqual([0, 0, false, octets('')]);
    };
    expect(frames).toBe(2);
    stays();
    give(another, door, octets('8105 6869'));
    another.next();
    stays();
    give(decoder, door, octets('8100'));
    decoder.stop();
    stays();
  });

  describe('bytes of another decoder are out of reach', () => {
    const secret = encodeFrame({ opcode: 2, payload: 'SECRET'.repeat(100) });

    /** Leaves a decoder's bytes in the memory that all decoders share. */
    function leaveSecret(): void {
      for (const door of DOORS) {
        const other = new FrameDecoder({ role: Role.Client, kernels });
        give(other, door, Uint8Array.from(secret));
        while (other.next()) other.payload();
      }
    }

    const bytesOf = (decoder: FrameDecoder): [string, string] => {
      const copy = new Uint8Array(600);
      decoder.copyTo(copy, 0);
      return [hex(decoder.payload()), hex(copy).replace(/(00)+$/, '')];
    };

    for (const door of DOORS) {
      test(`a violation has no bytes, whatever length it announced, by ${door}`, () => {
        for (const wire of ['827e 00c8', '827f 80000000000000c8', '827e 0010', '897e', '83ff']) {
          leaveSecret();
          for (const leaves of [false, true]) {
            const decoder = new FrameDecoder({ role: Role.Client, maxPayload: 100, kernels });
            give(decoder, door, octets(`8202 6869 ${wire}`));
            expect(decoder.next()).toBe(true);
            if (leaves) decoder.leave();
            expect(bytesOf(decoder)).toEqual(['6869', '6869']);
            expect([decoder.next(), decoder.violation > 0]).toEqual([true, true]);
            expect([decoder.length, ...bytesOf(decoder)]).toEqual([0, '', '']);
          }
        }
      });

      test(`before the first piece and behind the last there are no bytes, by ${door}`, () => {
        leaveSecret();
        const decoder = new FrameDecoder({ role: Role.Client, kernels });
        expect([decoder.length, ...bytesOf(decoder)]).toEqual([0, '', '']);
        for (let round = 0; round < 2; round++) {
          give(decoder, door, octets('8202 6869'));
          expect([decoder.length, ...bytesOf(decoder)]).toEqual([0, '', '']);
          expect([decoder.next(), ...bytesOf(decoder)]).toEqual([true, '6869', '6869']);
          expect([decoder.next(), decoder.length, ...bytesOf(decoder)]).toEqual([false, 0, '', '']);
        }
      });
    }

    test.each(['push', 'pushOwned'] as const)(
      'a chunk is as long as its memory, whatever its length says: %s',
      (door) => {
        leaveSecret();
        const decoder = new FrameDecoder({ role: Role.Client, kernels });
        for (const length of [42, 1, 0]) {
          decoder[door](Object.defineProperty(octets('8228 6869'), 'length', { value: length }));
          const read: string[] = [];
          while (decoder.next()) read.push(hex(decoder.payload()));
          expect(read).toEqual([length === 42 ? '6869' : '82286869']);
        }
      },
    );

    test.each(['push', 'pushOwned'] as const)('%s takes bytes of any kind, and refuses all else', (door) => {
      const decoder = new FrameDecoder({ role: Role.Client, kernels });
      const { buffer } = Uint8Array.of(0x82, 2, 0x68, 0x69);
      for (const chunk of [buffer, new DataView(buffer), new Uint16Array(buffer)]) {
        decoder[door](chunk as unknown as Uint8Array);
        expect([decoder.next(), hex(decoder.payload()), decoder.next()]).toEqual([true, '6869', false]);
      }
      for (const nonsense of [undefined, null, 3, 'abc', {}, [0x82, 0], { length: 50 }]) {
        expect(() => decoder[door](nonsense as Uint8Array)).toThrow(UsageError);
      }
      expect(decoder.isIdle).toBe(true);
    });

    test('no more bytes have landed than there is room for', () => {
      const decoder = new FrameDecoder({ role: Role.Client, kernels });
      for (const length of [-1, 1.5, NaN, Infinity, 2 ** 32, kernels.landingLength + 1, '3', undefined]) {
        expect(() => decoder.pushLanded(length as number)).toThrow(UsageError);
      }
      expect(decoder.isIdle).toBe(true);
      decoder.pushLanded(0);
      expect(decoder.next()).toBe(false);
    });
  });

  test('copyTo refuses memory without room for all of the piece', () => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels });
    for (const length of [5, 32, 33, 300]) {
      decoder.push(encodeFrame({ opcode: 2, payload: Buffer.alloc(length, 'a') }));
      expect(decoder.next()).toBe(true);
      const short = new Uint8Array(length - 1);
      expect(() => decoder.copyTo(short, 0)).toThrow(RangeError);
      expect(() => decoder.copyTo(new Uint8Array(length), 1)).toThrow(RangeError);
      expect(() => decoder.copyTo(new Uint8Array(length), -1)).toThrow(RangeError);
      expect(short.every((byte) => byte === 0)).toBe(true);
      expect(decoder.next()).toBe(false);
    }
  });

  test('counts frames by their headers, messages by their ends, and bytes, up to a violation', () => {
    const { received } = newStatistics();
    const decoder = new FrameDecoder({ role: Role.Client, kernels, traffic: received });
    for (const chunk of ['0102 6162 8900 8001 63', '8900', '8203 01', '0203', '8a00 8300']) {
      decoder.push(octets(chunk));
      while (decoder.next());
    }
    expect([received.messages, received.octets]).toEqual([2, 6]);
    expect(received.frames).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0]);
  });

  describe('what memory it takes', () => {
    test('the payloads of a chunk share a slab when one is asked for that others follow; the last one alone has its own', () => {
      const { values, taken } = watched();
      const decoder = new FrameDecoder({ role: Role.Client, kernels, values });
      decoder.push(octets('8203 010203 8202 0405 8201 06'));
      const read: string[] = [];
      while (decoder.next()) read.push(hex(decoder.payload()));
      expect([read, taken]).toEqual([['010203', '0405', '06'], ['allocate 10']]);
      decoder.push(octets('8201 07 8203 010203'));
      decoder.next();
      decoder.next();
      expect([hex(decoder.payload()), hex(decoder.payload())]).toEqual(['010203', '010203']);
      expect(taken.slice(1)).toEqual(['allocate 3', 'allocate 3']);
    });

    test('a payload of more than 12 KiB has memory of its own, and no slab is longer than that', () => {
      const { values, taken } = watched();
      const decoder = new FrameDecoder({ role: Role.Client, kernels, values });
      const play = (lengths: number[]): string[] => {
        taken.length = 0;
        const payloads = lengths.map((length, at) => Buffer.alloc(length, at + 1));
        decoder.push(Buffer.concat(payloads.map((payload) => encodeFrame({ opcode: 2, payload }))));
        for (const payload of payloads) expect(decoder.next() && payload.equals(decoder.payload())).toBe(true);
        expect(decoder.next()).toBe(false);
        return taken;
      };
      expect(play([12_288, 12_289, 5])).toEqual(['allocate 12288', 'allocate 12289', 'allocate 5']);
      expect(play([12_280, 4])).toEqual(['allocate 12286']);
      expect(play([12_282, 4, 12_282, 5])).toEqual(['allocate 12288', 'allocate 12282', 'allocate 5']);
      // Ten payloads, with nine headers between them, are 12,288 bytes.
      expect(play(Array.from({ length: 10 }, (_, at) => (at < 9 ? 1225 : 1227)))).toEqual(['allocate 12288']);
      expect(play(Array.from({ length: 12 }, () => 1226))).toEqual([
        `allocate ${9 * 1226 + 8 * 4}`,
        `allocate ${3 * 1226 + 2 * 4}`,
      ]);
    });

    test('a payload that nobody asks for takes none, nor does one that leave() finds read', () => {
      const { values, taken } = watched();
      const decoder = new FrameDecoder({ role: Role.Client, kernels, values });
      for (let i = 0; i < 3; i++) {
        decoder.push(octets('8203 010203 8202 0405'));
        while (decoder.next());
      }
      decoder.push(Buffer.from('810165'.repeat(kernels.recordCapacity + 1), 'hex'));
      while (decoder.next());
      expect(taken).toEqual([]);
      decoder.push(octets('8203 010203 8202 0405'));
      decoder.next();
      const first = decoder.payload();
      decoder.leave();
      decoder.next();
      // Once for both, once for what leave() finds unread, once for its owner.
      expect([hex(first), hex(decoder.payload())]).toEqual(['010203', '0405']);
      expect(taken).toEqual(['allocate 7', 'allocate 7', 'allocate 2']);
    });

    test('leave() takes what the unread payloads need, whatever length a violation names', () => {
      const { values, taken } = watched();
      const decoder = new FrameDecoder({ role: Role.Client, kernels, values, maxPayload: 10 });
      decoder.push(octets('8203 010203 8202 0405 827f 00000000 00200000'));
      decoder.leave();
      expect(taken.length).toBe(1);
      expect(Number(taken[0].split(' ')[1])).toBeLessThanOrEqual(3 + 2 + 2 + 10);
      expect([decoder.next(), hex(decoder.payload())]).toEqual([true, '010203']);
      expect([decoder.next(), hex(decoder.payload())]).toEqual([true, '0405']);
      expect([decoder.next(), decoder.violation]).toEqual([true, Violation.MessageTooBig]);
    });

    test('payloads of chunks that were given away are views of them, unmasked; what leave() found unread is copied', () => {
      const { values, taken } = watched();
      const decoder = new FrameDecoder({ role: Role.Server, kernels, values });
      const wire = ['8283 01010101 000302  8281 00000000 07', '8282 02020202 0407', '8281 03030303 0a'];
      const chunks = wire.map((chunk) => Uint8Array.from(octets(chunk)));
      for (const chunk of chunks) decoder.pushOwned(chunk);
      decoder.next();
      decoder.leave();
      const read: Uint8Array[] = [];
      do read.push(decoder.payload());
      while (decoder.next());
      expect(read.map(hex)).toEqual(['010203', '07', '0605', '09']);
      expect(read.map(({ buffer }) => chunks.findIndex((chunk) => chunk.buffer === buffer))).toEqual([-1, -1, 1, 2]);
      expect(taken).toEqual(['allocate 3', 'allocate 1']);
    });

    test('a chunk that is a part of larger memory is not written to, nor is a payload a view of it', () => {
      const memory = new Uint8Array(100).fill(0xee);
      const wire = octets('8283 01010101 000302 8281 00000000 07');
      for (const at of [0, 7, 100 - wire.length]) {
        memory.fill(0xee).set(wire, at);
        const decoder = new FrameDecoder({ role: Role.Server, kernels });
        decoder.pushOwned(memory.subarray(at, at + wire.length));
        decoder.pushOwned(memory.subarray(at, at + wire.length));
        const read: Uint8Array[] = [];
        while (decoder.next()) read.push(decoder.payload());
        expect(read.map(hex)).toEqual(['010203', '07', '010203', '07']);
        expect(read.map(({ buffer }) => buffer)).not.toContain(memory.buffer);
        expect(hex(memory.subarray(at, at + wire.length))).toBe(hex(wire));
      }
    });

    test.each(DOORS)('memory behind a payload of %s holds nothing but bytes of its chunk', (door) => {
      for (const values of [plainValues, makeNodeValues(kernels)]) {
        const random = new Random(20);
        const decoders = [0x11, 0x22, 0x33].map((mark) => ({
          mark,
          decoder: new FrameDecoder({ role: Role.Client, kernels, values }),
        }));
        for (let round = 0; round < 200; round++) {
          const { mark, decoder } = random.pick(decoders);
          const lengths = Array.from({ length: random.between(1, 20) }, () => random.pick([0, 1, 16, 100, 3000]));
          const frames = lengths.map((length) => encodeFrame({ opcode: 2, payload: Buffer.alloc(length, mark) }));
          const chunk = Uint8Array.from(Buffer.concat(frames));
          give(decoder, door, chunk.slice());
          const leavesAfter = random.below(40);
          for (let read = 0; decoder.next(); read++) {
            const behind = Buffer.from(decoder.payload().buffer);
            expect(Buffer.from(chunk).includes(behind)).toBe(true);
            if (read === leavesAfter) decoder.leave();
          }
        }
      }
    });

    test.each(DOORS)(
      'after %s the owner of a message takes its memory away, and the others come all the same',
      (door) => {
        for (const values of [plainValues, makeNodeValues(kernels)]) {
          for (const leavesAfter of [-1, 0, 1, 2]) {
            const decoder = new FrameDecoder({ role: Role.Client, kernels, values });
            give(decoder, door, octets('8203 010203 8202 0405 8200 8203 060708 8201 09'));
            const read: string[] = [];
            while (decoder.next()) {
              const payload = decoder.payload();
              read.push(hex(payload));
              structuredClone(payload, { transfer: [payload.buffer as ArrayBuffer] });
              expect(payload.length).toBe(0);
              if (read.length - 1 === leavesAfter) decoder.leave();
            }
            expect(read).toEqual(['010203', '0405', '', '060708', '09']);
          }
        }
      },
    );

    test('the owner of a message takes away its memory, and what is left of a chunk that was given away still comes', () => {
      const many = Array.from({ length: kernels.recordCapacity + 50 }, (_, at) => 1 + (at % 3));
      const long = Array.from({ length: 300 }, () => 1024);
      for (const role of [Role.Server, Role.Client]) {
        for (const lengths of [many, long]) {
          const masked = role === Role.Server;
          const payloads = lengths.map((length, at) => Buffer.alloc(length, at));
          const frames = payloads.map((payload) => encodeFrame({ opcode: 2, masked, payload }));
          const decoder = new FrameDecoder({ role, kernels });
          decoder.pushOwned(Uint8Array.from(Buffer.concat(frames)));
          const read: Buffer[] = [];
          while (decoder.next()) {
            const payload = decoder.payload();
            read.push(Buffer.from(payload));
            structuredClone(payload, { transfer: [payload.buffer as ArrayBuffer] });
          }
          expect(Buffer.concat(read).equals(Buffer.concat(payloads))).toBe(true);
        }
      }
    });

    test('the owner of a message cannot shrink what is unread of a chunk in memory that can be resized', () => {
      const wire = octets('8203 010203 8202 0405 8203 060708');
      const Resizable = ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
      // Many times: the machine code of V8 11 takes detached memory for present once it has met memory that can be resized.
      for (let time = 0; time < 2000; time++) {
        const memory = new Resizable(wire.length, { maxByteLength: 2 * wire.length });
        const chunk = new Uint8Array(memory);
        chunk.set(wire);
        const decoder = new FrameDecoder({ role: Role.Client, kernels });
        decoder.pushOwned(time % 2 === 0 ? chunk : Uint8Array.from(wire));
        const read: string[] = [];
        while (decoder.next()) {
          const payload = decoder.payload();
          read.push(hex(payload));
          const { buffer } = payload as {
            buffer: ArrayBuffer & { resizable?: boolean; resize?: (length: number) => void };
          };
          if (buffer.resizable === true) buffer.resize?.(4);
          else structuredClone(payload, { transfer: [buffer] });
        }
        expect(read).toEqual(['010203', '0405', '060708']);
      }
    });

    test('5.6 text is made of many messages at once where strings were asked for, one by one elsewhere', () => {
      for (const strings of [true, false, undefined]) {
        const { values, taken } = watched();
        const decoder = new FrameDecoder({ role: Role.Client, kernels, values, strings });
        decoder.push(octets('8101 61 8102 6263 8101 64'));
        const read: string[] = [];
        while (decoder.next()) read.push(decoder.text(true));
        expect(read).toEqual(['a', 'bc', 'd']);
        expect(taken).toEqual(strings === true ? ['latin1 8'] : ['text 1', 'text 2', 'text 1']);
      }
    });
  });

  describe('7.4.1 where memory is refused', () => {
    /** Values that refuse memory while asked to. */
    function refusing(): { values: Values; refuse: (isRefused: boolean) => void } {
      let isRefused = false;
      const allocate = (length: number): Uint8Array => {
        if (isRefused) throw new RangeError('Array buffer allocation failed');
        return plainValues.allocate(length);
      };
      return { values: { ...plainValues, allocate }, refuse: (asked) => void (isRefused = asked) };
    }
    const wire = '8203 010203 8202 0405 8201 06';

    test.each(DOORS)('a payload of %s is followed by one violation, and by nothing else', (door) => {
      for (const reads of [1, 2, 3]) {
        const { values, refuse } = refusing();
        const decoder = new FrameDecoder({ role: Role.Client, kernels, values });
        give(decoder, door, octets(wire));
        for (let i = 0; i < reads; i++) decoder.next();
        // A chunk that was given away needs none before it was left.
        if (door === 'pushOwned') decoder.leave();
        refuse(true);
        expect(() => decoder.payload()).toThrow(RangeError);
        refuse(false);
        expect([decoder.isBusy, decoder.isStopped]).toEqual([true, true]);
        expect([decoder.next(), decoder.violation]).toEqual([true, Violation.Internal]);
        give(decoder, door, octets(wire));
        expect([decoder.next(), decoder.isBusy, decoder.unread]).toEqual([false, false, 0]);
      }
    });

    test('the decoder that scans gets no error of the one that has to leave', () => {
      const { values, refuse } = refusing();
      const first = new FrameDecoder({ role: Role.Client, kernels, values });
      const second = new FrameDecoder({ role: Role.Client, kernels });
      first.push(octets(wire));
      first.next();
      refuse(true);
      second.push(octets('8103 616263'));
      expect([second.next(), hex(second.payload()), second.next()]).toEqual([true, '616263', false]);
      expect([first.next(), first.violation, first.next()]).toEqual([true, Violation.Internal, false]);
    });
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

test('options that a decoder cannot follow are refused: a role that is none, other bits than RSV, a limit below 0', () => {
  const wrong = [
    { role: undefined },
    { role: 'server' },
    { rsv: 4 },
    { rsv: 0x80 },
    { maxPayload: -1 },
    { maxPayload: NaN },
  ];
  for (const options of wrong) {
    expect(() => new FrameDecoder({ role: Role.Client, ...(options as object) }), JSON.stringify(options)).toThrow(
      UsageError,
    );
    // A tap does not judge frames, but its options are judged.
    expect(() => new FrameDecoder({ role: Role.Client, judge: false, ...(options as object) })).toThrow(UsageError);
  }
  const decoder = new FrameDecoder({ role: Role.Client });
  for (const limit of [-1, Number.NaN, 'none']) expect(() => decoder.limit(limit as number)).toThrow(/maxPayload/);
});

test.each(KERNELS)(
  'a chunk whose memory was transferred is refused on $name, and what was pushed before is read',
  (kernels) => {
    const frames = octets('82 01 01 82 01 02');
    const gone = new Uint8Array(8);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    for (const judge of [true, false]) {
      const decoder = new FrameDecoder({ role: Role.Client, kernels, judge });
      for (const isBusy of [false, true]) {
        if (isBusy) decoder.push(frames);
        expect(() => decoder.push(gone)).toThrow(UsageError);
        expect(() => decoder.pushOwned(gone)).toThrow(UsageError);
      }
      decoder.push(new Uint8Array(0));
      const read: string[] = [];
      while (decoder.next()) read.push(hex(decoder.payload()));
      expect(read).toEqual(['01', '02']);
    }
  },
);

/** Plain values, and Node's decoder of Latin-1, that note what is taken of them. */
function watched(): { values: Values; taken: string[] } {
  const taken: string[] = [];
  const values: Values = {
    ...plainValues,
    allocate(length) {
      taken.push(`allocate ${length}`);
      return plainValues.allocate(length);
    },
    text(source, start, end, ascii) {
      taken.push(`text ${end - start}`);
      return plainValues.text(source, start, end, ascii);
    },
    latin1(source, start, end) {
      taken.push(`latin1 ${end - start}`);
      return Buffer.from(source.subarray(start, end)).toString('latin1');
    },
  };
  return { values, taken };
}

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
