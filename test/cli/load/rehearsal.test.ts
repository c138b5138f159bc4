/** The rehearsal before an open loop runs in its own thread alone, leaves nothing behind, and is not needed. */
import { performance } from 'node:perf_hooks';
import { getActiveResourcesInfo } from 'node:process';
import { expect, it } from 'vitest';
import { rehearse } from '../../../src/cli/load/rehearsal.js';

const sockets = (): number => getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;

it('runs the loop against a server of its own, and closes all of it', async () => {
  const before = sockets();
  const begun = performance.now();
  await rehearse();
  expect(performance.now() - begun).toBeGreaterThan(400);
  await expect.poll(sockets).toBe(before);
});

it('is left out where the machine refuses the server', async () => {
  const begun = performance.now();
  // An address for documentation (RFC 5737), which no machine has.
  await rehearse('192.0.2.1');
  expect(performance.now() - begun).toBeLessThan(400);
});
