// Headers of two bytes, to a FrameDecoder and to the reference: apart, so that mutation runs leave it out.
import { describe, expect, test } from 'vitest';
import { hex, octets } from '../support/events.js';
import { runsLong } from '../support/long.js';
import { frameDecoder, KERNELS } from '../support/our-decoders.js';
import { decodeReference } from '../support/reference-decoder.js';

/** All that a second byte can be; in the short form the borders between the forms of a length, masked and not. */
const SECONDS = runsLong
  ? Array.from({ length: 256 }, (_, second) => second)
  : [0, 1, 2, 64, 124, 125, 126, 127].flatMap((length) => [length, 0x80 | length]);

describe.each(KERNELS)('FrameDecoder on $name', (kernels) => {
  test('5.2 judges every two-byte header in every fragment state as the reference does', () => {
    // Before the header: nothing, or an open message.
    const before = { server: ['', '0180 00000000'], client: ['', '0100'] };
    const rsvs = [0, 0x40];
    for (const role of ['server', 'client'] as const) {
      for (const rsv of rsvs) {
        for (const prefix of before[role]) {
          const start = octets(prefix);
          const wire = new Uint8Array(start.length + 2);
          wire.set(start);
          for (let first = 0; first < 256; first++) {
            wire[start.length] = first;
            for (const second of SECONDS) {
              wire[start.length + 1] = second;
              const ours = frameDecoder({ role, rsv }, kernels);
              ours.feed(wire);
              const expected = decodeReference(wire, { role, rsv });
              if (JSON.stringify(ours.events()) !== JSON.stringify(expected)) {
                expect(ours.events(), `${role}, rsv ${rsv}, ${hex(wire)}`).toEqual(expected);
              }
            }
          }
        }
      }
    }
  }, 120_000);
});
