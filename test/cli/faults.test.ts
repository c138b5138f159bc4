// `Faults` delays frames at a cost that grows with their number, and no faster.
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Faults, type FaultPlan } from '../../src/cli/proxy/faults.js';
import { Relay } from '../../src/cli/proxy/relay.js';
import { Filter } from '../../src/cli/traffic/filter.js';
import { encodeFrame, requestHead, responseHead } from '../support/raw-peer.js';

const RESPONSE = responseHead(requestHead());
const HEADS = requestHead() + RESPONSE;

/** The processor time in ms that it takes to delay so many frames which come at once. */
async function costOf(count: number): Promise<number> {
  const frame = encodeFrame({ payload: 'x', masked: true });
  const bytes = Buffer.concat(Array.from({ length: count }, () => frame));
  const start = process.cpuUsage();
  let passed = 0;
  await new Promise<void>((resolve) => {
    const ends = {
      isPaused: false,
      pass: (_: unknown, chunk: Uint8Array) => {
        passed += chunk.length;
        if (passed === HEADS.length + bytes.length) resolve();
      },
      finish: () => undefined,
      cut: () => undefined,
      dropped: () => undefined,
      hold: () => undefined,
    };
    const plan = { delay: 1, drop: undefined, cut: undefined, on: new Filter('--on', [], false) };
    const faults = new Faults(plan, ends);
    faults.push('client', Buffer.from(requestHead()));
    faults.push('server', Buffer.from(RESPONSE));
    faults.push('client', bytes);
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
  server.push(RESPONSE);
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

const REFUSAL = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';

it.each([
  ['the answer', true, [requestHead(), REFUSAL, requestHead()]],
  ['the answer', true, [requestHead(), HINTS, REFUSAL, requestHead()]],
  ['bytes that are no answer', true, [requestHead(), '?\r\n\r\n', requestHead()]],
  ['an answer before it was asked', true, [REFUSAL, requestHead() + requestHead()]],
  ['a request that did not wait', true, [requestHead() + requestHead(), REFUSAL]],
  ['a request that did not wait', true, [requestHead(), requestHead().slice(0, 9), requestHead().slice(9), REFUSAL]],
  ['the end of the server', true, [requestHead() + requestHead(), null]],
  ['more than waits', false, [requestHead() + requestHead(), 'x'.repeat(1024 * 1024)]],
  ['a body', false, [requestHead({ 'Content-Length': '1' }, 'POST / HTTP/1.1'), 'x']],
  ['a body', false, [requestHead({ 'Transfer-Encoding': 'chunked' }, 'POST / HTTP/1.1'), '1\r\nx\r\n']],
])('passes all bytes of a client that was not agreed to, after %s', async (_, isAnswered, chunks) => {
  const { client, server } = relayed({ drop: { chance: 1 } });
  const isOfServer = (chunk: string | null): boolean => chunk === null || (isAnswered && /^(HTTP|\?)/.test(chunk));
  for (const chunk of chunks) {
    (isOfServer(chunk) ? server : client).push(chunk);
    await nextTurn();
  }
  expect(server.taken).toBe(chunks.filter((chunk) => !isOfServer(chunk)).join(''));
});

it.each([[[RESPONSE]], [[HINTS + RESPONSE]], [[HINTS, RESPONSE]], [[`${RESPONSE}\x87\x00`]]])(
  'drops frames that came before and after the response %j',
  async (responses) => {
    const { client, server } = relayed({ drop: { chance: 1 } });
    const frame = encodeFrame({ payload: 'x', masked: true });
    client.push(Buffer.concat([Buffer.from(requestHead({ 'Content-Length': '0' })), frame]));
    await nextTurn();
    for (const response of responses) {
      server.push(Buffer.from(response, 'latin1'));
      await nextTurn();
    }
    client.push(frame);
    await nextTurn();
    expect(server.taken).toBe(requestHead({ 'Content-Length': '0' }));
  },
);

const FRAME = encodeFrame({ payload: 'x', masked: true });

it.each([
  ['101', RESPONSE, ''],
  ['a refusal', REFUSAL, FRAME.toString('latin1')],
])('lets the frames and the end of a client wait for %s', async (_, response, passed) => {
  const { client, server } = relayed({ drop: { chance: 1 } });
  client.push(Buffer.concat([Buffer.from(requestHead()), FRAME]));
  client.push(null);
  await nextTurn();
  expect(server.taken).toBe(requestHead());
  expect(server.writableEnded).toBe(false);
  server.push(response);
  await nextTurn();
  expect(server.taken).toBe(requestHead() + passed);
  expect(server.writableEnded).toBe(true);
});

it('drops frames behind 100 KiB that came before the response', async () => {
  const { client, server } = relayed({ drop: { chance: 1 } });
  const frame = encodeFrame({ payload: 'x'.repeat(1000), masked: true });
  client.push(requestHead());
  for (let count = 0; count < 100; count++) client.push(frame);
  await nextTurn();
  server.push(RESPONSE);
  client.push(frame);
  await nextTurn();
  expect(server.taken).toBe(requestHead());
});

it.each([
  ['bytes', ['8 bytes!']],
  ['the end', [null]],
])('holds %s of a client for 5 s, as the server may wait for them', async (_, after) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { client, server } = relayed({ drop: { chance: 1 } });
  client.push(requestHead());
  await nextTurn();
  vi.advanceTimersByTime(10_000);
  for (const chunk of after) client.push(chunk);
  await nextTurn();
  vi.advanceTimersByTime(4999);
  expect(server.taken).toBe(requestHead());
  expect(server.writableEnded).toBe(false);
  vi.advanceTimersByTime(1);
  expect(server.taken).toBe(requestHead() + after.join(''));
  expect(server.writableEnded).toBe(after[0] === null);
});

it('takes none of these 5 s from a pause, which holds the answer too', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { client, server, relay } = relayed({ drop: { chance: 1 } });
  client.push(Buffer.concat([Buffer.from(requestHead()), FRAME]));
  await nextTurn();
  vi.advanceTimersByTime(4000);
  relay.pause(true);
  vi.advanceTimersByTime(10_000);
  relay.pause(false);
  vi.advanceTimersByTime(4980);
  server.push(RESPONSE);
  await nextTurn();
  expect(server.taken).toBe(requestHead());
});

it('drops frames of a client whose server answers late', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { client, server } = relayed({ drop: { chance: 1 } });
  client.push(requestHead());
  await nextTurn();
  vi.advanceTimersByTime(10_000);
  server.push(RESPONSE);
  client.push(FRAME);
  await nextTurn();
  expect(server.taken).toBe(requestHead());
});
