import { describe, expect, test } from 'vitest';
import { FrameEncoder, LEND_FROM } from '../../src/codec/frame-encoder.js';
import { writeHeader } from '../../src/codec/header.js';
import { newStatistics } from '../../src/codec/statistics.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { makeNodeValues } from '../../src/node/values.js';
import { FIN, Opcode, Role, RSV1 } from '../../src/spec/frame.js';
import { plainValues, type Values } from '../../src/values/values.js';
import { hex } from '../support/events.js';
import { kernelSets } from '../support/kernel-sets.js';
import { Random } from '../support/random.js';
import { decodeFrame, decodeFrames, type RawFrame } from '../support/raw-peer.js';

const LENGTHS = [0, 1, 31, 32, 125, 126, 127, 255, 256, 65_535, 65_536, 65_537, 300_000];

function framesOf(encoder: FrameEncoder): RawFrame[] {
  return decodeFrames(Buffer.concat(encoder.take()));
}

describe.each(kernelSets)('FrameEncoder on $name', (kernels) => {
  describe.each([
    ['plain', plainValues],
    ['node', makeNodeValues(kernels)],
  ])('with %s values', (_, values) => {
    test('5.2 writes the length in the fewest bytes, masked by a client and unmasked by a server', () => {
      for (const role of [Role.Client, Role.Server]) {
        const encoder = new FrameEncoder({ role, kernels, values });
        for (const length of LENGTHS) {
          const payload = Buffer.alloc(length, 'abcdefg');
          encoder.frame(FIN | RSV1 | Opcode.Binary, payload);
          expect(encoder.length).toBe(
            length + (length < 126 ? 2 : length < 65_536 ? 4 : 10) + (role === Role.Client ? 4 : 0),
          );
          const [frame, ...more] = framesOf(encoder);
          expect(more).toEqual([]);
          expect([frame.fin, frame.rsv1, frame.opcode, frame.masked]).toEqual([true, true, 2, role === Role.Client]);
          expect(frame.payload.equals(payload)).toBe(true);
          expect(payload.equals(Buffer.alloc(length, 'abcdefg'))).toBe(true);
        }
      }
    });

    // G04
    test('5.6 writes a lone surrogate anywhere as U+FFFD, and a header that says how long the bytes are', () => {
      const others = ['a', 'é', '€', '😀'];
      for (const role of [Role.Client, Role.Server]) {
        const encoder = new FrameEncoder({ role, kernels, values });
        for (let length = 0; length <= 40; length++) {
          for (let at = 0; at < Math.max(1, length); at++) {
            for (const lone of ['\ud800', '\udfff', '\udc00\ud800']) {
              const text = length === 0 ? '' : others[length % 4].repeat(at) + lone + 'a'.repeat(length - at - 1);
              encoder.text(FIN | Opcode.Text, text);
              const frame = decodeFrame(Buffer.concat(encoder.take()))!;
              expect(frame.payload.toString('hex')).toBe(Buffer.from(text).toString('hex'));
            }
          }
        }
      }
    });

    test('5.2 mends the guessed length where text grows over a border of the length form', () => {
      const encoder = new FrameEncoder({ role: Role.Client, kernels, values });
      for (const units of [
        41, 42, 43, 62, 63, 64, 124, 125, 126, 65_535, 65_536, 16_383, 16_384, 16_385, 21_845, 21_846, 40_000,
      ]) {
        for (const letter of ['a', 'é', '€']) {
          const text = letter.repeat(units);
          encoder.text(FIN | Opcode.Text, text);
          const frames = framesOf(encoder);
          expect(frames.length).toBe(1);
          expect(frames[0].payload.equals(Buffer.from(text)), `${units} ${letter}`).toBe(true);
        }
      }
    });
  });

  test('5.3 draws a fresh key for every frame, empty and control frames too', () => {
    const encoder = new FrameEncoder({ role: Role.Client, kernels });
    const keys = new Set<string>();
    for (let i = 0; i < 100; i++) {
      encoder.frame(FIN | Opcode.Ping, new Uint8Array(0));
      encoder.text(FIN | Opcode.Text, '');
      encoder.frame(FIN | Opcode.Binary, Buffer.from('x'));
    }
    for (const { key, masked } of framesOf(encoder)) {
      expect(masked).toBe(true);
      keys.add(hex(key));
    }
    expect(keys.size).toBeGreaterThan(298);
  });

  // E09
  test('5.3 a source of keys that throws: nothing is written or counted, and what was written before stays whole', () => {
    let isBroken = false;
    const statistics = newStatistics();
    const encoder = new FrameEncoder({
      role: Role.Client,
      kernels,
      traffic: statistics.sent,
      generateMask(into) {
        if (isBroken) throw new Error('no entropy');
        into.set([1, 2, 3, 4]);
      },
    });
    encoder.frame(FIN | Opcode.Binary, Buffer.from('one'));
    isBroken = true;
    expect(() => encoder.frame(FIN | Opcode.Binary, Buffer.from('two'))).toThrow('no entropy');
    expect(() => encoder.text(FIN | Opcode.Text, 'three')).toThrow('no entropy');
    isBroken = false;
    encoder.text(FIN | Opcode.Text, 'four');
    expect(framesOf(encoder).map(({ payload }) => payload.toString())).toEqual(['one', 'four']);
    expect(statistics.sent).toMatchObject({ messages: 2, octets: 7 });
  });

  test('5.2 a source of keys that begins a frame: no other is written within it', () => {
    let begins = false;
    const encoder: FrameEncoder = new FrameEncoder({
      role: Role.Client,
      kernels,
      generateMask() {
        if (!begins) return;
        begins = false;
        encoder.beginFrame(FIN | Opcode.Binary, 3);
      },
    });
    for (const write of [
      () => encoder.text(FIN | Opcode.Text, 'no'),
      () => encoder.frame(FIN | Opcode.Ping, Buffer.from('no')),
    ]) {
      begins = true;
      expect(write).toThrow(UsageError);
      encoder.payload('yes');
      expect(framesOf(encoder).map(({ payload }) => payload.toString())).toEqual(['yes']);
    }
  });

  test('5.2 a source of keys that detaches the payload: the header is as long as what follows it', () => {
    let memory = new ArrayBuffer(0);
    const encoder = new FrameEncoder({
      role: Role.Client,
      kernels,
      generateMask() {
        structuredClone(memory, { transfer: [memory] });
      },
    });
    memory = new ArrayBuffer(300);
    encoder.frame(FIN | Opcode.Binary, new Uint8Array(memory));
    expect(framesOf(encoder).map(({ payload }) => payload.length)).toEqual([0]);
  });

  test('5.2 bytes whose memory was detached are an empty frame, whole in itself', () => {
    const memory = new ArrayBuffer(300);
    const detached = new Uint8Array(memory);
    structuredClone(memory, { transfer: [memory] });
    const encoder = new FrameEncoder({ role: Role.Server, kernels });
    encoder.frame(FIN | Opcode.Binary, detached);
    encoder.raw(detached);
    encoder.frame(FIN | Opcode.Binary, Buffer.from('next'));
    expect(framesOf(encoder).map(({ payload }) => payload.toString())).toEqual(['', 'next']);
  });

  test('5.5 a control frame that is too long, fragmented or has RSV bits is refused, unless unchecked', () => {
    for (const role of [Role.Server, Role.Client]) {
      for (const opcode of [Opcode.Close, Opcode.Ping, Opcode.Pong, 0xb, 0xf]) {
        const encoder = new FrameEncoder({ role, kernels });
        const claimed = new FrameEncoder({ role, kernels, rsv: RSV1 });
        const unchecked = new FrameEncoder({ role, kernels, unchecked: true });
        for (const [first, payload] of [
          [FIN | opcode, new Uint8Array(126)],
          [FIN | opcode, new Uint8Array(70_000).buffer],
          [FIN | opcode, 'x'.repeat(126)],
          [FIN | opcode, '€'.repeat(42)],
          [opcode, ''],
          [FIN | RSV1 | opcode, 'x'],
          [FIN | 0x30 | opcode, ''],
        ] as const) {
          for (const lent of [false, true]) expect(() => encoder.frame(first, payload, lent)).toThrow(UsageError);
          if (typeof payload === 'string') expect(() => encoder.text(first, payload)).toThrow(UsageError);
          unchecked.frame(first, payload);
          const [frame] = framesOf(unchecked);
          expect([frame.opcode, frame.fin, frame.rsv1]).toEqual([opcode, first >= FIN, (first & RSV1) !== 0]);
        }
        expect([encoder.length, encoder.take()]).toEqual([0, []]);
        encoder.frame(FIN | opcode, '€'.repeat(41));
        claimed.frame(FIN | RSV1 | opcode, new Uint8Array(125));
        expect(() => claimed.frame(FIN | 0x20 | opcode, '')).toThrow(UsageError);
        expect([framesOf(encoder)[0].payload.length, framesOf(claimed)[0].rsv1]).toEqual([123, true]);
      }
    }
    const encoder = new FrameEncoder({ role: Role.Server, kernels });
    encoder.frame(0x70 | Opcode.Continuation, new Uint8Array(126));
    expect(framesOf(encoder)[0].payload.length).toBe(126);
    for (const first of [-1, 256, 1.5, NaN, '129']) {
      expect(() => encoder.frame(first as number, 'x')).toThrow(UsageError);
    }
    for (const role of [undefined, 2, 'server']) {
      expect(() => new FrameEncoder({ role: role as Role, kernels })).toThrow(UsageError);
    }
  });

  test('a long lent payload is handed on by reference by a server, and never by a client', () => {
    const payload = new Uint8Array(LEND_FROM).fill(1);
    const server = new FrameEncoder({ role: Role.Server, kernels });
    server.frame(FIN | Opcode.Binary, payload, true);
    const [, referred] = server.take();
    expect([referred.buffer === payload.buffer, referred.length]).toEqual([true, LEND_FROM]);
    server.frame(FIN | Opcode.Binary, payload.subarray(1), true);
    server.raw(payload, true);
    expect(server.take().map((chunk) => chunk.buffer === payload.buffer)).toEqual([false, true]);
    server.frame(FIN | Opcode.Binary, payload);
    expect(server.take().every((chunk) => chunk.buffer !== payload.buffer)).toBe(true);
    const client = new FrameEncoder({ role: Role.Client, kernels });
    client.frame(FIN | Opcode.Binary, payload, true);
    expect(client.take().every((chunk) => chunk.buffer !== payload.buffer)).toBe(true);
    expect(payload.every((octet) => octet === 1)).toBe(true);
  });

  test('5.3 text is masked too where another encoder has made the batch move', () => {
    const first = new FrameEncoder({ role: Role.Client, kernels });
    const second = new FrameEncoder({ role: Role.Client, kernels });
    first.text(FIN | Opcode.Text, 'one');
    second.text(FIN | Opcode.Text, 'other');
    first.text(FIN | Opcode.Text, 'two, and more than a few bytes of it');
    const said = (encoder: FrameEncoder): string[] => framesOf(encoder).map(({ payload }) => payload.toString());
    expect([said(first), said(second)]).toEqual([['one', 'two, and more than a few bytes of it'], ['other']]);
    // More than there is room for in the kernels' memory.
    const text = 'text '.repeat(2000);
    for (let at = 0; at < kernels.outgoingLength; at += text.length) first.text(FIN | Opcode.Text, text);
    expect(said(first).every((payload) => payload === text)).toBe(true);
  });

  test('5.3 encoders with different values take turns in the one place where frames are masked', () => {
    const plain = new FrameEncoder({ role: Role.Client, kernels, values: plainValues });
    const node = new FrameEncoder({ role: Role.Client, kernels, values: makeNodeValues(kernels) });
    plain.frame(FIN | Opcode.Binary, Buffer.from('mine'));
    node.frame(FIN | Opcode.Binary, Buffer.from('yours'));
    plain.text(FIN | Opcode.Text, 'and mine');
    const said = (encoder: FrameEncoder): string[] => framesOf(encoder).map(({ payload }) => payload.toString());
    expect([said(plain), said(node)]).toEqual([['mine', 'and mine'], ['yours']]);
  });

  test('5.6 short ASCII is written here, longer text by the platform, and from 16 KiB on in memory that a server lends', () => {
    const asked: string[] = [];
    const encoded: Uint8Array[] = [];
    const values: Values = {
      ...plainValues,
      writeText(target, at, text) {
        asked.push(`write ${text.length}`);
        return plainValues.writeText(target, at, text);
      },
      encode(text) {
        asked.push(`encode ${text.length}`);
        encoded.push(plainValues.encode(text));
        return encoded[encoded.length - 1];
      },
    };
    const server = new FrameEncoder({ role: Role.Server, kernels, values });
    const texts = [
      'a'.repeat(24),
      '\x00\x7f',
      'a'.repeat(25),
      `${'a'.repeat(23)}\x80`,
      'b'.repeat(16_384),
      'c'.repeat(16_385),
    ];
    for (const text of texts) server.text(FIN | Opcode.Text, text);
    expect(framesOf(server).map(({ payload }) => payload.toString())).toEqual(texts);
    expect(asked).toEqual(['write 25', 'write 24', 'write 16384', 'encode 16385']);
    server.text(FIN | Opcode.Text, 'd'.repeat(LEND_FROM));
    expect(server.take()[1] === encoded[1]).toBe(true);
  });

  test('5.3 a client’s batch is masked by one call, in the kernels’ outgoing area, and a server leaves that alone', () => {
    const { outgoingAddress, outgoingLength } = kernels;
    const masked: number[][] = [];
    const noting = {
      ...kernels,
      maskFrames(at: number, end: number): void {
        masked.push([at - outgoingAddress, end - outgoingAddress]);
        kernels.maskFrames(at, end);
      },
    };
    const client = new FrameEncoder({ role: Role.Client, kernels: noting });
    client.frame(FIN | Opcode.Binary, new Uint8Array(40));
    client.text(FIN | Opcode.Text, 'a'.repeat(40));
    expect(masked).toEqual([]);
    client.take();
    expect(masked).toEqual([[0, 92]]);
    const area = kernels.bytes.subarray(outgoingAddress, outgoingAddress + outgoingLength).fill(0x5a);
    const server = new FrameEncoder({ role: Role.Server, kernels: noting });
    server.frame(FIN | Opcode.Binary, new Uint8Array(40));
    server.text(FIN | Opcode.Text, 'a'.repeat(40));
    expect([server.take().length, masked.length, area.every((octet) => octet === 0x5a)]).toEqual([1, 1, true]);
  });

  test('5.3 whatever is written, each byte is masked once: frames of all forms, whole ones between them, two encoders in turn', () => {
    const random = new Random(531);
    const lengths = [0, 1, 30, 125, 126, 4000, 65_535, 65_536, kernels.outgoingLength - 14, kernels.outgoingLength];
    const values = { ...plainValues };
    const sides = [0, 1].map(() => ({
      encoder: new FrameEncoder({ role: Role.Client, kernels, values }),
      said: [] as string[],
      heard: [] as string[],
    }));
    for (let step = 0; step < 1500; step++) {
      const { encoder, said, heard } = sides[random.below(2)];
      const payload = Buffer.alloc(lengths[random.below(random.below(4) === 0 ? lengths.length : 6)], `${step}`);
      const sort = random.below(8);
      if (sort < 3) {
        encoder.frame(FIN | Opcode.Binary, payload);
      } else if (sort < 6) {
        encoder.text(FIN | Opcode.Text, payload.toString());
      } else {
        const other = new FrameEncoder({ role: Role.Client, kernels, values: { ...plainValues } });
        other.frame(FIN | Opcode.Binary, payload);
        const frames = Buffer.concat(other.take());
        encoder.raw(frames, sort === 7);
        if (sort === 6) frames.fill(0);
      }
      said.push(payload.toString());
      if (random.below(6) === 0) heard.push(...framesOf(encoder).map((frame) => frame.payload.toString()));
    }
    for (const { encoder, said, heard } of sides) {
      heard.push(...framesOf(encoder).map((frame) => frame.payload.toString()));
      expect(heard.length).toBe(said.length);
      expect(heard.every((payload, i) => payload === said[i])).toBe(true);
    }
  });

  test('no frames at all leave nothing to write', () => {
    const encoder = new FrameEncoder({ role: Role.Server, kernels });
    encoder.raw(new Uint8Array(0));
    expect([encoder.length, encoder.take()]).toEqual([0, []]);
  });

  test('counts frames by opcode, payload bytes, and messages by their last frame', () => {
    const { sent } = newStatistics();
    const encoder = new FrameEncoder({ role: Role.Server, kernels, traffic: sent });
    encoder.text(Opcode.Text, 'é');
    encoder.frame(Opcode.Continuation, Buffer.from('ab'));
    encoder.frame(FIN | Opcode.Continuation, new Uint8Array(0));
    encoder.frame(FIN | Opcode.Ping, Buffer.from('p'));
    encoder.frame(FIN | Opcode.Binary, Buffer.from('x'));
    encoder.text(FIN | Opcode.Text, 'a'.repeat(20_000));
    expect([sent.messages, sent.octets]).toEqual([3, 20_006]);
    expect(sent.frames).toEqual([2, 2, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  });
});

test('5.2 writeHeader writes lengths up to 2^53 - 1', () => {
  for (const length of [2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER]) {
    const bytes = Buffer.alloc(14);
    expect(writeHeader(bytes, 0, 0x82, length, 0)).toBe(10);
    expect([bytes[0], bytes[1], bytes.readBigUInt64BE(2)]).toEqual([0x82, 127, BigInt(length)]);
  }
});

test('frames that come in a list of chunks are counted as in one, wherever they are cut', () => {
  const from = new FrameEncoder({ role: Role.Server });
  // The payload looks like frames, and leaves in a chunk of its own.
  from.frame(FIN | Opcode.Binary, new Uint8Array(70_000).fill(0x82), true);
  from.frame(FIN | Opcode.Ping, 'p');
  const chunks = from.take();
  expect(chunks.length).toBe(3);
  const whole = Buffer.concat(chunks);
  const cut = (at: number): Uint8Array[] => [whole.subarray(0, at), whole.subarray(at)];
  for (const list of [chunks, [whole], cut(1), cut(5), cut(100), cut(whole.length - 1)]) {
    const { sent } = newStatistics();
    new FrameEncoder({ role: Role.Server, traffic: sent }).raw(list);
    expect(sent).toMatchObject({ messages: 1, octets: 70_001 });
    expect([sent.frames[Opcode.Binary], sent.frames[Opcode.Ping]]).toEqual([1, 1]);
  }
  const { sent } = newStatistics();
  new FrameEncoder({ role: Role.Server, traffic: sent }).raw(whole.subarray(0, 5));
  expect([sent.messages, sent.octets]).toEqual([0, 0]);
});

test('frames that were encoded beforehand are counted as far as they are whole', () => {
  const { sent } = newStatistics();
  const encoder = new FrameEncoder({ role: Role.Server, traffic: sent });
  encoder.raw(Uint8Array.of(0x81, 2, 0x61, 0x62, 0x02, 1, 9, 0x89, 0));
  encoder.raw(Uint8Array.of(0x82, 3, 1), true);
  expect(sent).toMatchObject({ messages: 1, octets: 3 });
  expect([...sent.frames].slice(0, 10)).toEqual([0, 1, 1, 0, 0, 0, 0, 0, 0, 1]);
});
