// `Faults` delays frames at a cost that grows with their number, and no faster.
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Faults, type FaultPlan } from '../../src/cli/proxy/faults.js';
import { Relay } from '../../src/cli/proxy/relay.js';
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
      isPaused: false,
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

const ALL = new Filter('--on', [], false);

/** One end of a connection. */
class End extends Duplex {
  readonly bytesRead = 0;
  taken = '';
  override _read(): void {}
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.taken += chunk.toString('latin1');
    done();
  }
  setNoDelay(): void {}
  destroySoon(): void {
    this.destroy();
  }
}

/** Two ends with a relay between them. */
function relayed(plan: Partial<FaultPlan>): { client: End; server: End; relay: Relay } {
  const ends = { client: new End(), server: new End() };
  const told = { dropped: () => undefined, cut: () => undefined, failed: () => undefined, ended: () => undefined };
  const whole = { delay: 0, drop: undefined, cut: undefined, on: ALL, ...plan };
  const options = { tap: undefined, plan: whole, rewriter: undefined, ...told };
  const relay = new Relay(ends as unknown as ConstructorParameters<typeof Relay>[0], options, false);
  onTestFinished(() => relay.destroy());
  return { ...ends, relay };
}

it('keeps delayed frames while nothing may pass', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { client, server, relay } = relayed({ delay: 50 });
  const frame = encodeFrame({ payload: 'x', masked: true });
  client.push(Buffer.concat([Buffer.from(requestHead()), frame]));
  await nextTurn();
  relay.pause(true);
  vi.advanceTimersByTime(1000);
  await nextTurn();
  expect(server.taken).toBe(requestHead());
  relay.pause(false);
  vi.advanceTimersByTime(20);
  await nextTurn();
  expect(server.taken).toBe(requestHead() + frame.toString('latin1'));
});

it('finds no frames behind a request that asks for no WebSocket', async () => {
  const { client, server } = relayed({ drop: { chance: 1 } });
  const request = 'GET /page.js HTTP/1.1\r\nHost: x\r\n\r\n';
  for (let time = 0; time < 2; time++) {
    client.push(request);
    await nextTurn();
  }
  expect(server.taken).toBe(request + request);
});
