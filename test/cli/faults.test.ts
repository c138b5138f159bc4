// `Faults` delays frames at a cost that grows with their number, and no faster.
import { expect, it } from 'vitest';
import { Faults } from '../../src/cli/proxy/faults.js';
import { Filter } from '../../src/cli/traffic/filter.js';
import { encodeFrame, requestHead } from '../support/raw-peer.js';

/** The processor time in ms that it takes to delay so many frames which come at once. */
async function costOf(count: number): Promise<number> {
  const frame = encodeFrame({ payload: 'x', masked: true });
  const bytes = Buffer.concat([Buffer.from(requestHead()), ...Array.from({ length: count }, () => frame)]);
  const start = process.cpuUsage();
  let passed = 0;
  await new Promise<void>((resolve) => {
    const ends = {
      pass: (_: unknown, chunk: Uint8Array) => {
        passed += chunk.length;
        if (passed === bytes.length) resolve();
      },
      finish: () => undefined,
      cut: () => undefined,
      dropped: () => undefined,
      hold: () => undefined,
    };
    new Faults({ delay: 1, drop: undefined, cut: undefined, on: new Filter('--on', [], false) }, ends).push(
      'client',
      bytes,
    );
  });
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

it('delays sixteen times as many frames for about sixteen times the cost', async () => {
  await costOf(10_000);
  const few = await costOf(10_000);
  expect(await costOf(160_000)).toBeLessThan(40 * few);
});
