import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { FrameEncoder } from '../../src/codec/frame-encoder.js';
import { Connection } from '../../src/connection/connection.js';
import { EventType } from '../../src/connection/event.js';
import { makeNodeValues, nodeValues } from '../../src/node/values.js';
import { FIN, Opcode, Role } from '../../src/spec/frame.js';
import { plainValues } from '../../src/values/values.js';
import { octets } from '../support/events.js';
import { kernelSets } from '../support/kernel-sets.js';
import { Random } from '../support/random.js';
import { encodeFrame } from '../support/raw-peer.js';

const ALPHABETS = ['abc xyz', '漢字かな', 'éß€', '😀𝄞a', 'a漢é😀'];

function makeText(random: Random): string {
  const alphabet = Array.from(random.pick(ALPHABETS));
  const length = random.oneIn(30) ? random.between(2000, 9000) : random.below(60);
  return Array.from({ length }, () => random.pick(alphabet)).join('');
}

describe.each(kernelSets)('strings of text on $name', (kernels) => {
  describe.each([
    ['plain', plainValues],
    ['node', makeNodeValues(kernels)],
    // As on a Node that decodes UTF-8 quickly by itself.
    ['node without UTF-16', Object.assign(makeNodeValues(kernels), { utf16: undefined })],
  ])('%s values', (_, values) => {
    test('5.6 text of many messages in a chunk comes as the same strings as one by one', () => {
      for (let seed = 1; seed <= 40; seed++) {
        const random = new Random(seed);
        const encoder = new FrameEncoder({ role: Role.Client, values: nodeValues });
        const expected: string[] = [];
        for (let i = 0; i < 60; i++) {
          switch (random.below(8)) {
            case 0:
              encoder.frame(FIN | Opcode.Ping, random.octets(5));
              break;
            case 1:
              encoder.frame(FIN | Opcode.Binary, random.octets(20));
              break;
            case 2: {
              const [first, second] = [makeText(random), makeText(random)];
              encoder.text(Opcode.Text, first);
              encoder.text(FIN | Opcode.Continuation, second);
              expected.push(first + second);
              break;
            }
            default: {
              const text = makeText(random);
              encoder.text(FIN | Opcode.Text, text);
              expected.push(text);
            }
          }
        }
        const wire = Buffer.concat(encoder.take());
        const connection = new Connection({ role: Role.Server, text: 'string', kernels, values });
        const got: unknown[] = [];
        for (let at = 0; at < wire.length;) {
          const stop = at + random.between(1, 30_000);
          const chunk = Uint8Array.from(wire.subarray(at, stop));
          if (random.oneIn(2)) connection.receive(chunk);
          else connection.receiveOwned(chunk);
          for (let event = connection.next(); event !== undefined; event = connection.next()) {
            if (event.type === EventType.Message && !event.isBinary) got.push(event.data);
            // Another connection takes the kernels' memory in the middle of a chunk.
            if (random.oneIn(20)) connection.detach();
          }
          at = stop;
        }
        expect(got).toEqual(expected);
      }
    });
  });

  describe('how strings are made', () => {
    /** The strings of all pieces in each chunk, and which decoder was asked for how many bytes. */
    function read(...chunks: Uint8Array[]): { strings: string[]; made: string[] } {
      const made: string[] = [];
      const noted =
        (name: BufferEncoding) =>
        (source: Uint8Array, start: number, end: number): string => {
          made.push(`${name} ${end - start}`);
          return Buffer.from(source.subarray(start, end)).toString(name);
        };
      const values = { ...plainValues, latin1: noted('latin1'), utf16: noted('utf16le'), text: noted('utf8') };
      const decoder = new FrameDecoder({ role: Role.Client, kernels, values, strings: true });
      const strings: string[] = [];
      for (const chunk of chunks) {
        decoder.push(chunk);
        while (decoder.next()) strings.push(decoder.text(false));
      }
      return { strings, made };
    }
    const messages = (...texts: string[]): Uint8Array =>
      Buffer.concat(texts.map((payload) => encodeFrame({ payload })));

    test('5.6 messages side by side are made of one string, of Latin-1 with the headers between, or of UTF-16', () => {
      expect(read(messages('a', 'bc', 'd'))).toEqual({ strings: ['a', 'bc', 'd'], made: ['latin1 8'] });
      expect(read(messages('é', '漢字', '😀'))).toEqual({ strings: ['é', '漢字', '😀'], made: ['utf16le 10'] });
    });

    test('a message alone, or beside one of another kind, is read by itself', () => {
      expect(read(messages('a'), messages('é'))).toEqual({ strings: ['a', 'é'], made: ['utf8 1', 'utf8 2'] });
      expect(read(messages('a', 'é', '', '漢字')).made).toEqual(['utf8 1', 'utf8 2', 'utf8 0', 'utf8 6']);
      expect(read(messages('a', 'b', 'é', 'é', 'c')).made).toEqual(['latin1 4', 'utf16le 4', 'utf8 1']);
    });

    test('the records of an earlier chunk are not read again', () => {
      expect(read(messages('a', 'b', 'c', 'd'), messages('e', 'f'), messages('g'))).toEqual({
        strings: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
        made: ['latin1 10', 'latin1 4', 'utf8 1'],
      });
      expect(read(messages('é', 'é', 'é', 'é'), messages('ü', 'ß'), messages('ö'))).toEqual({
        strings: ['é', 'é', 'é', 'é', 'ü', 'ß', 'ö'],
        made: ['utf16le 8', 'utf16le 4', 'utf8 2'],
      });
    });

    test('a window spans at most 512 bytes, so that a string that is kept pins no more', () => {
      const hundred = (letter: string): string => letter.repeat(100);
      const nine = Array.from('abcdefghi', hundred);
      expect(read(messages(...nine))).toEqual({ strings: nine, made: ['latin1 508', 'latin1 406'] });
      const half = 'x'.repeat(254);
      expect(read(messages(half, half)).made).toEqual(['latin1 512']);
      expect(read(messages(half, `${half}x`)).made).toEqual(['utf8 254', 'utf8 255']);
      expect(read(messages('x'.repeat(257), 'a', 'b')).made).toEqual(['utf8 257', 'latin1 4']);
    });

    test('5.4 the piece of a message that is not whole is read by itself', () => {
      expect(read(octets('0101 61 0001 62 0001 63 8001 64 8101 65 8101 66'))).toEqual({
        strings: ['a', 'b', 'c', 'd', 'e', 'f'],
        made: ['utf8 1', 'utf8 1', 'utf8 1', 'utf8 1', 'latin1 4'],
      });
    });
  });
});
