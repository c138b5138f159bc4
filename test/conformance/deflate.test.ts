import { describe, expect, test } from 'vitest';
import {
  Compressor,
  Decompressor,
  directionOf,
  judgeAgreement,
  parseExtensions,
  readAgreement,
  readOffer,
} from '../../src/conformance/deflate.js';
import { CompressedMessages, payloadFile, Slices } from '../../src/conformance/payloads.js';

describe('RFC 7692 messages', () => {
  test.each([
    [true, 15],
    [true, 9],
    [false, 15],
    [false, 8],
  ])('come back (takeover %s, window of %i bits)', (takeover, windowBits) => {
    const direction = { takeover, windowBits };
    const compressor = new Compressor(direction);
    const decompressor = new Decompressor(direction);
    for (const size of [0, 1, 100, 40_000, 100]) {
      const message = payloadFile('json').subarray(0, size);
      expect(decompressor.decompress(compressor.compress(message), 1 << 20)).toEqual(Buffer.from(message));
    }
  });

  test('7.2.3.2 refer to the ones before only with context takeover', () => {
    const second = (takeover: boolean): number => {
      const compressor = new Compressor({ takeover, windowBits: 15 });
      compressor.compress(payloadFile('prose').subarray(0, 2000));
      return compressor.compress(payloadFile('prose').subarray(0, 2000)).length;
    };
    expect(second(true)).toBeLessThan(60);
    expect(second(false)).toBeGreaterThan(300);
  });

  test('7.2.3 examples are read: fixed, stored, final and two blocks; corrupt data and too much are not', () => {
    const read = (digits: string): Buffer | string =>
      new Decompressor({ takeover: false, windowBits: 15 }).decompress(Buffer.from(digits, 'hex'), 100);
    for (const digits of [
      'f248cdc9c90700',
      '000500faff48656c6c6f00',
      'f348cdc9c9070000',
      'f24805000000ffffcac9c90700',
    ]) {
      expect(read(digits).toString()).toBe('Hello');
    }
    expect(typeof read('0700')).toBe('string');
    expect(typeof read('f200110000')).toBe('string');
    const compressor = new Compressor({ takeover: false, windowBits: 15 });
    expect(typeof read(compressor.compress(Buffer.alloc(101)).toString('hex'))).toBe('string');
  });
});

describe('the payloads', () => {
  test.each([
    ['json', 194_056],
    ['bitmap', 263_222],
    ['prose', 222_218],
    ['html', 263_647],
    ['pdf', 1_042_328],
  ] as const)('%s has %i bytes', (name, size) => {
    expect(payloadFile(name)).toHaveLength(size);
  });

  test('messages go round and round; of text by characters', () => {
    const json = new Slices('json', 100_000);
    expect(json.message(1)).toEqual(
      Buffer.concat([payloadFile('json').subarray(100_000), payloadFile('json').subarray(0, 5944)]),
    );
    const html = payloadFile('html').toString();
    expect(html.length).toBeLessThan(263_647);
    expect(new Slices('html', 100_000).message(2).toString()).toBe(
      html.slice(200_000) + html.slice(0, 300_000 - html.length),
    );
  });

  test('compressed messages are the same for all who ask, in order or again', () => {
    const direction = { takeover: true, windowBits: 15 };
    const messages = CompressedMessages.of('json', 1000, direction);
    const third = messages.message(2).compressed;
    expect(CompressedMessages.of('json', 1000, { ...direction }).message(2).compressed).toBe(third);
    expect(CompressedMessages.of('json', 1000, { ...direction, takeover: false }).message(2).compressed).not.toEqual(
      third,
    );
    CompressedMessages.clear();
  });
});

describe('negotiation', () => {
  test('7.1 reads the first offer that is sound', () => {
    expect(
      readOffer('x-other, permessage-deflate; server_max_window_bits=7, permessage-deflate; client_max_window_bits'),
    ).toEqual({
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: null,
      clientMaxWindowBits: 15,
    });
    for (const bad of [
      'unknown',
      'server_max_window_bits',
      'server_max_window_bits=16',
      'client_max_window_bits=08',
      'server_no_context_takeover=1',
      'client_max_window_bits; client_max_window_bits',
    ]) {
      expect(readOffer(`permessage-deflate; ${bad}`)).toBeNull();
    }
  });

  const OFFER = 'permessage-deflate; client_max_window_bits; server_max_window_bits=10';

  test('7.1 takes an answer that fits the offer', () => {
    const agreement = readAgreement(
      'permessage-deflate; server_max_window_bits="9"; client_no_context_takeover',
      OFFER,
    );
    if (typeof agreement === 'string') throw new Error(agreement);
    expect(directionOf(agreement, 'server')).toEqual({ takeover: true, windowBits: 9 });
    expect(directionOf(agreement, 'client')).toEqual({ takeover: false, windowBits: 15 });
  });

  test.each([
    ['permessage-deflate', 'permessage-deflate; client_max_window_bits=10'],
    ['permessage-deflate', 'permessage-deflate, permessage-deflate'],
    ['permessage-deflate', 'x-other'],
    ['permessage-deflate', 'permessage-deflate; x'],
    ['permessage-deflate', ';'],
  ])('7.1 refuses for "%s" the answer "%s"', (offered, answer) => {
    expect(typeof readAgreement(answer, offered)).toBe('string');
  });

  test.each([
    ['permessage-deflate; server_no_context_takeover', 'permessage-deflate', '7.1.1.1'],
    ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate; server_max_window_bits=11', '7.1.2.1'],
    ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate; server_max_window_bits=9', null],
    ['permessage-deflate; server_max_window_bits=10, permessage-deflate', 'permessage-deflate', null],
  ])('7.1 judges for "%s" the agreement "%s": %s', (offered, answer, section) => {
    const agreement = readAgreement(answer, offered);
    if (typeof agreement === 'string') throw new Error(agreement);
    const complaint = judgeAgreement(agreement, offered);
    if (section === null) expect(complaint).toBeNull();
    else expect(complaint).toContain(`RFC 7692 ${section}`);
  });

  test('RFC 6455 9.1 takes a header apart, or not', () => {
    expect(parseExtensions('a; b=1; c="2", d')).toEqual([
      {
        name: 'a',
        parameters: [
          ['b', '1'],
          ['c', '2'],
        ],
      },
      { name: 'd', parameters: [] },
    ]);
    for (const bad of ['', 'a;;', 'a, ', 'a; =1', 'a b']) expect(parseExtensions(bad)).toBeNull();
  });
});
