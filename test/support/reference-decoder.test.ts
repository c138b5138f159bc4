import { describe, expect, test } from 'vitest';
import { VIOLATIONS } from '../../src/errors/violations.js';
import { VECTORS } from '../vectors/index.js';
import { DIFFERENCES, explanation } from './differences-from-ws.js';
import { fails, octets, VIOLATION_NUMBERS } from './events.js';
import { play, playEveryWay, playPromptly } from './feeder.js';
import { decodeReference, referenceDecoder } from './reference-decoder.js';
import { wsReceiver } from './ws-receiver.js';

describe('the reference decoder', () => {
  for (const { name, section, role, options, wire, events } of VECTORS) {
    test(`${section} ${name}`, () => {
      playEveryWay(octets(wire), { role, ...options }, events, referenceDecoder);
    });
  }

  test('gives every violation the close code of the error table', () => {
    for (const violation of VIOLATION_NUMBERS) {
      expect(fails(violation)).toMatchObject({ closeCode: VIOLATIONS[violation].closeCode });
    }
  });
});

describe('the Receiver of ws', () => {
  // RSV2 and RSV3 cannot be claimed there.
  const vectors = VECTORS.filter(({ options }) => ((options?.rsv ?? 0) & 0x30) === 0);

  const explained = new Set<string>();

  for (const { name, section, role, options, wire, events } of vectors) {
    test(`${section} ${name}`, () => {
      const found = play(octets(wire), [], wsReceiver({ role, ...options }));
      if (JSON.stringify(found) === JSON.stringify(events)) {
        playEveryWay(octets(wire), { role, ...options }, events, wsReceiver);
        return;
      }
      const difference = explanation(events, found);
      if (difference === undefined) {
        expect(found).toEqual(events);
      } else {
        explained.add(difference.name);
      }
    });
  }

  test('differs in everything that the table of differences lists, and in at most ten ways', () => {
    expect([...explained].sort()).toEqual(DIFFERENCES.map(({ name }) => name).sort());
    expect(DIFFERENCES.length).toBeLessThanOrEqual(10);
  });
});

describe('the vectors', () => {
  test('are told apart by their names', () => {
    expect(new Set(VECTORS.map(({ name }) => name)).size).toBe(VECTORS.length);
  });

  test('reach every violation that a stream of frames can hold', () => {
    const reached = VECTORS.flatMap(({ events }) => events.flatMap((e) => (e.type === 'violation' ? e.violation : [])));
    expect([...new Set(reached)].sort((left, right) => left - right)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });
});

describe('the feeder', () => {
  const wire = octets('81 05 48 65 6c 6c 6f 88 00');
  const expected = decodeReference(wire, { role: 'client' });

  test('notices a decoder that loses what a chunk leaves over', () => {
    const forgetful: typeof referenceDecoder = (options) => {
      const events = [...decodeReference(octets(''), options)];
      return { feed: (chunk) => void events.push(...decodeReference(chunk, options)), events: () => events };
    };
    expect(() => playEveryWay(wire, { role: 'client' }, expected, forgetful)).toThrow(/byte by byte/);
  });

  test('notices a decoder that writes to what it is fed', () => {
    const careless: typeof referenceDecoder = (options) => {
      const decoder = referenceDecoder(options);
      return { feed: (chunk) => (decoder.feed(chunk.slice()), void chunk.fill(0)), events: () => decoder.events() };
    };
    expect(() => playEveryWay(wire, { role: 'client' }, expected, careless)).toThrow(/not written to/);
  });

  test('notices a decoder that answers late', () => {
    const late: typeof referenceDecoder = (options) => {
      const decoder = referenceDecoder(options);
      return { feed: (chunk) => decoder.feed(chunk), events: () => decoder.events().slice(0, -1) };
    };
    expect(() => playPromptly(wire, { role: 'client' }, late, decodeReference)).toThrow(/after 7 of 9 bytes/);
    playPromptly(wire, { role: 'client' }, referenceDecoder, decodeReference);
  });
});
