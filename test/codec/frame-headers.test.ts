// Every header of two octets, to a FrameDecoder and to the reference: apart, so that mutation runs leave it out.
import { describe, expect, test } from 'vitest';
import { hex, octets } from '../support/events.js';
import { frameDecoder, KERNELS } from '../support/our-decoders.js';
import { decodeReference } from '../support/reference-decoder.js';

describe.each(KERNELS)('FrameDecoder on $name', (kernels) => {
  test('5.2 judges every two-octet header in every fragment state as the reference does', () => {
    // Before the header: nothing, or an open message.
    const before = { server: ['', '0180 00000000'], client: ['', '0100'] };
    const rsvs = [0, 0x40];
    for (const role of ['server', 'client'] as const) {
      for (const rsv of rsvs) {
        for (const prefix of before[role]) {
          const start = octets(prefix);
          const wire = new Uint8Array(start.length + 2);
          wire.set(start);
          for (let header = 0; header < 0x10000; header++) {
            wire[start.length] = header >> 8;
            wire[start.length + 1] = header & 0xff;
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
  }, 120_000);
});
