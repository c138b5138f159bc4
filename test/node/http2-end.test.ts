// END_STREAM of a peer is told behind its messages, also where they wait: a stream of HTTP/2 ends though it is paused (RFC 9113 8.1).
import { once } from 'node:events';
import http2, { type ClientHttp2Stream } from 'node:http2';
import { constants, deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { ReadyState } from '../../src/node/types.js';
import type { ServerOptions } from '../../src/node/server-options.js';
import { sessionTo } from '../support/http2-session.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

interface Asked {
  /** The client's stream, and the bytes that came on it. */
  stream: ClientHttp2Stream;
  got: () => number;
  websocket: WebSocket;
  /** Everything that the server's connection told, in order. */
  told: string[];
}

/** A stream that has a WebSocket at our server, whose messages are answered with one byte. */
async function ask(options: ServerOptions): Promise<Asked> {
  const server = http2.createServer();
  const wss = new WebSocketServer({ server, ...options });
  const told: string[] = [];
  wss.on('connection', (websocket: WebSocket) => {
    websocket.on('message', () => {
      told.push(`message ${websocket.readyState}`);
      websocket.send('x', { compress: false }, (error) => told.push(error ? error.message : 'sent'));
    });
    websocket.on('close', (code) => told.push(`close ${code}`));
  });
  const accepted = once(wss, 'connection') as Promise<[WebSocket]>;
  const session = await sessionTo(server, endings);
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/',
      'sec-websocket-version': '13',
      'sec-websocket-extensions': 'permessage-deflate',
    },
    { endStream: false },
  );
  let got = 0;
  stream.on('data', (chunk: Buffer) => (got += chunk.length));
  const [websocket] = await accepted;
  return { stream, got: () => got, websocket, told };
}

/** Both sides of it are over. */
async function over({ stream, websocket }: Asked): Promise<void> {
  await Promise.all([once(stream, 'close'), once(websocket, 'close')]);
}

/** A binary message masked with the key 0. */
function message(payload: Buffer, isCompressed = false): Buffer {
  const head = Buffer.from([isCompressed ? 0xc2 : 0x82, 0x80 | 126, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

/** So long that zlib inflates it in its thread. */
const COMPRESSED = message(
  deflateRawSync(Buffer.alloc(2_000_000), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4),
  true,
);
const PLAIN = message(Buffer.alloc(200));

describe.each([
  { writePath: 'direct', readPath: 'landing' },
  { writePath: 'stream', readPath: 'data' },
] as const)('read by $readPath:', (paths) => {
  test.each<[string, ServerOptions, Buffer]>([
    ['are told one a turn', { allowSynchronousEvents: false }, PLAIN],
    ['are being inflated', { perMessageDeflate: true }, COMPRESSED],
  ])('messages that %s are told and answered before the end of the stream is', async (_, options, each) => {
    const asked = await ask({ ...paths, ...options });
    const { stream, got, told } = asked;
    stream.end(Buffer.concat([each, each, each]));
    await over(asked);
    expect(told.filter((line) => line.startsWith('message'))).toEqual(['message 1', 'message 1', 'message 1']);
    expect(told.filter((line) => line === 'sent')).toHaveLength(3);
    expect(told.at(-1)).toBe('close 1006');
    expect(got()).toBe(9);
  });

  test('a paused connection is told of the end at once where nothing waits, as over TCP', async () => {
    const asked = await ask(paths);
    asked.websocket.pause();
    asked.stream.end();
    await over(asked);
    expect(asked.told).toEqual(['close 1006']);
  });

  test('a paused connection is told of the end behind what waits, once it is resumed', async () => {
    const asked = await ask(paths);
    const { stream, websocket, told } = asked;
    websocket.pause();
    const socket = websocket._socket!;
    stream.end(PLAIN);
    while (socket.readableLength < PLAIN.length) await new Promise(setImmediate);
    expect([websocket.readyState, told]).toEqual([ReadyState.Open, []]);
    websocket.resume();
    await over(asked);
    expect(told.filter((line) => line !== 'sent')).toEqual(['message 1', 'close 1006']);
  });

  test('answers that leave with the end of the stream are told as sent', async () => {
    const asked = await ask(paths);
    const { stream, got, told } = asked;
    stream.write(PLAIN);
    stream.end(PLAIN);
    await over(asked);
    expect([told.filter((line) => line === 'sent'), got()]).toEqual([['sent', 'sent'], 6]);
  });
});
