// Generated streams: servers and clients that conform treat all of them rightly, and each planted mistake is found and made small.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { conformance } from '../../src/cli/conformance.js';
import { fuzzClients } from '../../src/conformance/fuzz/fuzz-client.js';
import { fuzzServer } from '../../src/conformance/fuzz/fuzz-server.js';
import type { Search } from '../../src/conformance/fuzz/search.js';
import { send } from '../../src/conformance/case.js';
import type { Frame } from '../../src/conformance/fuzz/reading.js';
import { createStream, readingOf } from '../../src/conformance/fuzz/stream.js';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { type Mistake, mistakenServer } from './support/mistaken-server.js';
import { echoClient, WS_OPTIONS, wsServer } from './support/peers.js';

const directory = mkdtempSync(join(tmpdir(), 'wsimd-fuzz-'));

afterAll(() => rmSync(directory, { recursive: true }));

const SEED = 27;
const SECONDS = 2;

function sizeOf({ found }: Search): number {
  return found?.one.exam.kind === 'script' ? found.one.exam.steps.length : 0;
}

describe('the streams', () => {
  test('are the same for the same seed, and leave nothing open', () => {
    const kinds = { good: 0, bad: 0, closed: 0, compressed: 0 };
    for (let place = 0; place < 300; place++) {
      const stream = createStream(SEED, place);
      expect(isDeepStrictEqual(createStream(SEED, place), stream)).toBe(true);
      const { fault, closed, unclear } = readingOf(stream);
      expect(unclear).toBeNull();
      kinds[fault !== null ? 'bad' : closed ? 'closed' : 'good']++;
      if (stream.deflate !== null) kinds.compressed++;
    }
    for (const [kind, count] of Object.entries(kinds)) expect(count, kind).toBeGreaterThan(10);
  });
});

test('RFC 7692 7.2.2 data that ends inside a block is open to any treatment; a wrong block is not', () => {
  const read = (hex: string): string | null => {
    const frame = send.binary(Buffer.from(hex, 'hex'), { rsv: 4 }) as Frame;
    const { unclear, fault } = readingOf({ frames: [frame], deflate: { takeover: false, windowBits: 15 } });
    return unclear === null ? fault : 'unclear';
  };
  expect(read('d2')).toBe('unclear');
  expect(read('')).toBe('unclear');
  expect(read('f248cdc9')).toBe('unclear');
  expect(read('f248cdc9c90700')).toBeNull();
  for (const wrong of ['0700', '000500aaaa48656c6c6f00', 'fdffffffffffffff']) expect(read(wrong)).toMatch(/7\.2\.2/);
});

describe('peers that conform', () => {
  test.each(['ws', 'wsimd'])('a server of %s treats all rightly', { timeout: 60_000 }, async (name) => {
    const server = name === 'ws' ? await wsServer(WS_OPTIONS) : await ourServer();
    const search = await fuzzServer({ url: server.url, seconds: SECONDS, seed: SEED });
    server.stop();
    expect(search.found?.one.judgedBy).toBeUndefined();
    expect(search.judged).toBeGreaterThan(10);
  });

  test.each(['ws', 'wsimd'])('a client of %s treats all rightly', { timeout: 60_000 }, async (name) => {
    const { examination, search } = await fuzzClients({ port: 0, seconds: SECONDS, seed: SEED });
    const state = { over: false };
    void search.then(() => (state.over = true));
    for (let place = 1; !state.over; place++) {
      const url = `${examination.url}/runCase?case=${place}&agent=${name}`;
      await (name === 'ws' ? echoClient(url, WS_OPTIONS) : ourClient(url));
    }
    const { found, judged } = await search;
    expect(found?.one.judgedBy).toBeUndefined();
    expect(judged).toBeGreaterThan(10);
  });
});

test.each<[Mistake, number, RegExp]>([
  ['reads text without a look at it', 2, /8\.1/],
  ['takes reserved bits', 3, /5\.2/],
  ['takes unknown opcodes', 2, /5\.2/],
  ['takes control frames of 126 bytes', 2, /5\.5/],
  ['takes frames without a mask', 2, /5\.1/],
  ['takes continuations of nothing', 2, /5\.4/],
  ['takes a new message inside another', 3, /5\.4/],
  ['takes any close code', 2, /7\.4/],
  ['loses empty messages', 2, /5\.6/],
  ['loses messages of 126 bytes and more', 2, /5\.6/],
  ['answers pings with an empty pong', 1, /5\.5\.3/],
  ['echoes binary as text', 2, /5\.6/],
])('a server that %s is found, by at most %i frames', { timeout: 120_000 }, async (mistake, most, judged) => {
  const server = await mistakenServer(mistake);
  const search = await fuzzServer({ url: server.url, seconds: 60, seed: SEED });
  server.stop();
  expect(search.found?.one.judgedBy).toMatch(judged);
  expect(sizeOf(search)).toBeLessThanOrEqual(most);
});

async function ourServer(): Promise<{ url: string; stop: () => void }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  server.on('connection', (websocket) => {
    websocket.on('message', (data: Buffer, binary: boolean) => websocket.send(data, { binary }));
    websocket.on('error', () => undefined);
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}`, stop: () => server.close() };
}

function ourClient(url: string): Promise<void> {
  const websocket = new WebSocket(url);
  websocket.on('message', (data: Buffer, binary: boolean) => websocket.send(data, { binary }));
  websocket.on('error', () => undefined);
  return new Promise((resolve) => websocket.on('close', () => resolve()));
}

/** Runs the command with what it says. */
async function run(args: string[]): Promise<{ status: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const terminal = {
    columns: undefined,
    out: (text: string): void => void (said.out += text),
    err: (text: string): void => void (said.err += text),
  };
  const status = await conformance([...args, '--out', directory], terminal, new AbortController().signal);
  return { status, ...said };
}

describe('the command', () => {
  test('says a failure in words, and writes a program of at most 40 lines', { timeout: 60_000 }, async () => {
    const server = await mistakenServer('takes reserved bits');
    const { status, out } = await run(['server', server.url, '--fuzz', '60', '--seed', '7']);
    server.stop();
    expect(status).toBe(1);
    expect(out).toMatch(
      /^\d+ streams of seed 7[^]+\nStream \d+ is treated wrongly\.[^]+Judged by RFC 6455 5\.2[^]+Program: /,
    );
    const program = readFileSync(join(directory, 'fuzz-7.mjs'), 'utf8');
    expect(program.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
    expect(program).toContain("from 'node:net'");
  });

  test('counts a server that dies as one that treats the stream wrongly', { timeout: 60_000 }, async () => {
    const server = await mistakenServer('dies of a ping inside a message');
    const { status, out } = await run(['server', server.url, '--fuzz', '60', '--seed', '7']);
    server.stop();
    expect(status).toBe(1);
    expect(out).toContain('is treated wrongly');
  });

  test('says of a good server that none was treated wrongly', { timeout: 60_000 }, async () => {
    const server = await mistakenServer('none');
    const { status, out } = await run(['server', server.url, '--fuzz', '1', '--seed', '7']);
    server.stop();
    expect({ status, out }).toEqual({ status: 0, out: expect.stringMatching(/\nNone was treated wrongly\.\n$/) });
  });

  test('takes whole numbers, and --seed only beside --fuzz', async () => {
    await expect(run(['server', 'ws://127.0.0.1:9', '--fuzz', 'long'])).rejects.toThrow('--fuzz takes a whole number');
    await expect(run(['client', '--port', '0', '--seed', '1'])).rejects.toThrow('--seed goes with --fuzz');
  });
});
