// `judge: false`: a decoder for taps and proxies reads every frame as it stands, and tells its header.
import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { writeFrameHeader } from '../../src/codec/header.js';
import { mask } from '../../src/codec/mask.js';
import { FIN, Opcode, Role, RSV1, RSV3 } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import { hex } from '../support/events.js';
import { DOORS, KERNELS, type Door } from '../support/our-decoders.js';

interface Frame {
  readonly first: number;
  readonly payload: string;
  readonly key?: number;
}

/** Frames that a judge refuses, each for another reason, with those of both roles in turn. */
const FRAMES: readonly Frame[] = [
  { first: FIN | RSV1 | RSV3 | Opcode.Text, payload: 'claimed by nobody', key: 0x04030201 },
  { first: 0x03, payload: 'reserved', key: -1 },
  { first: Opcode.Continuation, payload: 'continues nothing' },
  { first: Opcode.Ping, payload: 'x'.repeat(126), key: 0x01000000 },
  { first: FIN | Opcode.Close, payload: '\u0003', key: 0 },
  { first: FIN | Opcode.Text, payload: '', key: 7 },
  { first: FIN | 0x0f, payload: 'after the Close' },
];

function bytesOf({ first, payload, key }: Frame): Uint8Array {
  const bytes = new TextEncoder().encode(payload);
  const frame = new Uint8Array(14 + bytes.length);
  const at = writeFrameHeader(frame, 0, first, bytes.length, key);
  frame.set(bytes, at);
  if (key !== undefined) mask(frame, key, at, at + bytes.length);
  return frame.subarray(0, at + bytes.length);
}

const WIRE = Buffer.concat(FRAMES.map(bytesOf));

describe.each(KERNELS)('a decoder that does not judge, on $name', (kernels) => {
  function feed(decoder: FrameDecoder, door: Door, chunk: Uint8Array): void {
    if (door === 'push') decoder.push(chunk);
    else if (door === 'owned') decoder.pushOwned(new Uint8Array(chunk));
    else {
      kernels.bytes.set(chunk, kernels.landingAddress);
      decoder.pushLanded(chunk.length);
    }
  }

  /** Each frame as text: its facts and its payload. */
  function read(chunks: readonly Uint8Array[], door: Door, role: Role): string[] {
    const decoder = new FrameDecoder({ role, judge: false, kernels });
    const frames: string[] = [];
    let payload = '';
    for (const chunk of chunks) {
      feed(decoder, door, chunk);
      while (decoder.next()) {
        const { header, opcode, fin, rsv } = decoder;
        if (decoder.start) payload = '';
        payload += Buffer.from(decoder.payload()).toString();
        if (decoder.end) frames.push(JSON.stringify({ ...header, opcode, fin, rsv, payload }));
      }
    }
    return frames;
  }

  let offset = 0;
  const expected = FRAMES.map((frame) => {
    const { first, payload, key } = frame;
    const { length } = bytesOf(frame);
    const facts = {
      offset,
      headerLength: length - payload.length,
      length: payload.length,
      isMasked: key !== undefined,
      maskingKey: key ?? 0,
      opcode: first & 0x0f,
      fin: (first & FIN) !== 0,
      rsv: first & 0x70,
      payload,
    };
    offset += length;
    return JSON.stringify(facts);
  });

  test.each(DOORS)('5.2 tells every frame by its header at every cut, by the door %s', (door) => {
    for (const role of [Role.Client, Role.Server]) {
      for (let cut = 0; cut <= WIRE.length; cut++) {
        expect(read([WIRE.subarray(0, cut), WIRE.subarray(cut)], door, role)).toEqual(expected);
      }
      expect(
        read(
          Array.from(WIRE, (byte) => Uint8Array.of(byte)),
          door,
          role,
        ),
      ).toEqual(expected);
    }
  });

  test('5.2 tells exact lengths and offsets past 2^32, and what is still to come', () => {
    const decoder = new FrameDecoder({ role: Role.Server, judge: false, kernels });
    decoder.push(bytesOf({ first: 0x81, payload: 'abc' }));
    while (decoder.next());
    const header = new Uint8Array(14);
    const length = Number.MAX_SAFE_INTEGER;
    const end = writeFrameHeader(header, 0, FIN | Opcode.Binary, length, 0x01020304);
    decoder.push(Buffer.concat([header.subarray(0, end), Uint8Array.of(4, 3, 2, 1, 4)]));
    expect(decoder.next()).toBe(true);
    expect(hex(decoder.payload())).toBe('0000000000');
    expect(decoder.header).toEqual({ offset: 5, headerLength: 14, length, isMasked: true, maskingKey: 0x01020304 });
    expect([decoder.frameLength, decoder.remaining, decoder.end]).toEqual([length, length - 5, false]);
    decoder.push(Uint8Array.of(3, 2));
    expect([decoder.next(), decoder.start, hex(decoder.payload())]).toEqual([true, false, '0000']);
    expect([decoder.header?.length, decoder.remaining, decoder.isIdle]).toEqual([length, length - 7, false]);
  });

  test('5.2 a length past 2^53 - 1 is the one violation, and nothing is read after it', () => {
    const decoder = new FrameDecoder({ role: Role.Server, judge: false, kernels });
    decoder.push(Uint8Array.of(0x81, 1, 0x61, 0x82, 127, 0, 0x20, 0, 0, 0, 0, 0, 0, 0x81, 0));
    expect([decoder.next(), decoder.violation]).toEqual([true, Violation.None]);
    expect([decoder.next(), decoder.violation]).toEqual([true, Violation.LengthTooLarge]);
    expect([decoder.next(), decoder.isStopped]).toEqual([false, true]);
  });

  test('5.2 a length that is not minimal, and more frames than the record table holds, are read', () => {
    const decoder = new FrameDecoder({ role: Role.Client, judge: false, kernels });
    decoder.push(Uint8Array.of(0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1, 9));
    expect([decoder.next(), decoder.header?.headerLength, decoder.frameLength]).toEqual([true, 10, 1]);
    const frames = 2 * kernels.recordCapacity + 3;
    decoder.push(new Uint8Array(2 * frames));
    let read = 0;
    let last = 0;
    for (; decoder.next(); read++) last = decoder.header!.offset;
    expect([read, last]).toEqual([frames, 11 + 2 * (frames - 1)]);
  });

  test('two decoders in turn keep their headers, and one that is stopped is done', () => {
    const one = new FrameDecoder({ role: Role.Server, judge: false, kernels });
    const other = new FrameDecoder({ role: Role.Server, judge: false, kernels });
    one.push(WIRE);
    expect(one.next()).toBe(true);
    other.push(WIRE.subarray(3));
    const keys: number[] = [];
    do keys.push(one.header!.maskingKey);
    while (one.next());
    expect(keys).toEqual(FRAMES.map(({ key = 0 }) => key));
    other.push(WIRE.subarray(0, 1));
    other.stop();
    expect([other.next(), other.remaining, other.isIdle]).toEqual([false, 0, true]);
    expect(new FrameDecoder({ role: Role.Server, kernels }).header).toBe(undefined);
  });
});
