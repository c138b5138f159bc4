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

  test('5.6 the piece of a message that is not whole is read by itself', () => {
    const decoder = new FrameDecoder({ role: Role.Client, kernels, values: makeNodeValues(kernels), strings: true });
    decoder.push(octets('0101 61 8001 62 8101 63 8101 64'));
    const read: string[] = [];
    while (decoder.next()) read.push(decoder.text(true));
    expect(read).toEqual(['a', 'b', 'c', 'd']);
  });
});
