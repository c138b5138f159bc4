// `OpenLoop` sends at its rate, whatever becomes of its connections.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Client } from '../../../src/cli/load/client.js';
import { newRecording, OpenLoop } from '../../../src/cli/load/pacing.js';

/** A connection that counts; `sent` receives the messages that it sends. */
class CountingClient {
  isOpen = true;
  sent = 0;
  answers = 0;
  readonly waiting = 0;

  constructor(
    readonly index: number,
    private readonly told: (client: CountingClient, count: number) => void,
  ) {}

  send(count: number): void {
    this.sent += count;
    this.told(this, count);
  }
}

it('goes on at its rate when a connection is lost, and awaits no answer of that', async () => {
  const recording = newRecording();
  const silent = new CountingClient(0, () => undefined);
  const answering = new CountingClient(1, (client, count) => {
    client.answers += count;
    loop.answered(client as unknown as Client, count, performance.now());
  });
  const start = performance.now();
  const window = { start, end: start + 300 };
  const clients = [silent, answering] as unknown as Client[];
  // A message a millisecond, so that the loop never sleeps.
  const loop = new OpenLoop(clients, { rate: 1000, connections: 2, first: 0 }, window, recording);
  loop.start(start);
  while (silent.sent < 20) await nextTurn();
  const { sent } = silent;
  silent.isOpen = false;
  loop.lost(silent as unknown as Client);
  // With no answer under way, the loop waits within a turn for its next message; with one, a turn takes microseconds.
  let turns = 0;
  for (; performance.now() < window.end; turns++) await nextTurn();
  await nextTurn();
  expect(turns).toBeLessThan(400);
  expect([silent.sent, answering.sent, recording.latency.total]).toEqual([sent, 150, 150]);
});

it('sends what is due when its thread is late at the end', () => {
  const recording = newRecording();
  const client = new CountingClient(0, (own, count) => {
    own.answers += count;
    loop.answered(own as unknown as Client, count, performance.now());
  });
  const start = performance.now();
  const window = { start, end: start + 49.5 };
  const loop = new OpenLoop(
    [client] as unknown as Client[],
    { rate: 1000, connections: 1, first: 0 },
    window,
    recording,
  );
  loop.start(start);
  while (performance.now() < window.end) continue;
  loop.stop();
  expect([client.sent, recording.latency.total]).toEqual([50, 50]);
});

it('looks for answers all the time after a connection was lost whose last answers came with its Close', async () => {
  let clock = 0;
  const now = vi.spyOn(performance, 'now').mockImplementation(() => (clock += 0.01));
  onTestFinished(() => now.mockRestore());
  let answers = true;
  const lost = new CountingClient(0, () => undefined);
  const other = new CountingClient(1, (client, count) => {
    if (!answers) return;
    client.answers += count;
    loop.answered(client as unknown as Client, count, performance.now());
  });
  const window = { start: 0, end: 300 };
  const clients = [lost, other] as unknown as Client[];
  const loop = new OpenLoop(clients, { rate: 1000, connections: 2, first: 0 }, window, newRecording());
  loop.start(0);
  while (lost.sent < 20) await nextTurn();
  lost.isOpen = false;
  loop.lost(lost as unknown as Client);
  lost.answers = lost.sent;
  loop.answered(lost as unknown as Client, lost.sent, performance.now());
  answers = false;
  const until = other.sent + 10;
  // The loop looks for the answers of the other all the time: 200 times from one message to the next.
  let turns = 0;
  for (; other.sent < until; turns++) await nextTurn();
  loop.stop();
  expect(turns).toBeGreaterThan(500);
});
