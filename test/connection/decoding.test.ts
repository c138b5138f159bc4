import { describe, test } from 'vitest';
import { octets } from '../support/events.js';
import { playEveryWay, playGenerated, playPromptly } from '../support/feeder.js';
import { runsLong } from '../support/long.js';
import { connection, DOORS, KERNELS } from '../support/our-decoders.js';
import { decodeReference } from '../support/reference-decoder.js';
import { VECTORS } from '../vectors/index.js';

describe.each(KERNELS)('Connection on $name', (kernels) => {
  describe.each(DOORS)('chunks by way of %s', (door) => {
    test('5-8 agrees with the reference on generated streams', () => {
      playGenerated((options) => connection(options, kernels, door), runsLong ? 500 : 100);
    });

    for (const { name, section, role, options, wire, events } of VECTORS) {
      test(`${section} ${name}`, () => {
        const all = { role, ...options };
        playEveryWay(octets(wire), all, events, (given) => connection(given, kernels, door));
        if (wire.length < 1000)
          playPromptly(octets(wire), all, (given) => connection(given, kernels, door), decodeReference);
      });
    }
  });
});
