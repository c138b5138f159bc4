// The work of zlib is spread over turns of the event loop, for all connections together: no load is done in one go.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from '../../../src/index.js';
import { ZlibHandle } from '../../../src/node/deflate/zlib-handle.js';
import { compressed, jsonLike, seeded } from '../../support/deflate.js';
import { connectRaw, encodeFrame, type RawPeer } from '../../support/raw-peer.js';

const HEADERS = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_no_context_takeover' };
const random = seeded(1);
const texts = Array.from({ length: 20 }, () => jsonLike(16 * 1024, random));
const json = jsonLike(60_000, random);

/** Bytes that zlib has read and written in each turn of the event loop, and in the thread pool. */
let perTurn: number[] = [];
let inPool = 0;
let isCounting = false;

beforeEach(() => {
  perTurn = [0];
  inPool = 0;
  isCounting = true;
  const turn = (): void => {
    if (perTurn.at(-1)! > 0) perTurn.push(0);
    if (isCounting) setImmediate(turn);
  };
  turn();
  // oxlint-disable-next-line unbound-method -- it is called on the handle
  const { write } = ZlibHandle.prototype;
  vi.spyOn(ZlibHandle.prototype, 'write').mockImplementation(function (this: ZlibHandle, ...call) {
    const error = write.apply(this, call);
    const [, , from, to, , , room] = call;
    perTurn[perTurn.length - 1] += to - from - this.inputLeft + room - this.outputLeft;
    return error;
  });
  // oxlint-disable-next-line unbound-method -- it is called on the handle
  const { writeLater } = ZlibHandle.prototype;
  vi.spyOn(ZlibHandle.prototype, 'writeLater').mockImplementation(function (this: ZlibHandle, ...call) {
    const [flush, input, end, output, at, room, written] = call;
    writeLater.call(this, flush, input, end, output, at, room, (error) => {
      inPool += end - this.inputLeft + room - this.outputLeft;
      written(error);
    });
  });
});
afterEach(() => {
  isCounting = false;
  vi.restoreAllMocks();
});

/** The largest part of the work that this thread did in one turn. */
function largestShare(): number {
  return Math.max(...perTurn) / perTurn.reduce((sum, bytes) => sum + bytes, inPool);
}

describe.each(['landing', 'data'] as const)('read by %s:', (readPath) => {
  async function serve(): Promise<{ server: WebSocketServer; port: number }> {
    const perMessageDeflate = { zlibDeflateOptions: { level: constants.Z_BEST_COMPRESSION }, threshold: 0 };
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate, readPath });
    onTestFinished(() => {
      for (const websocket of server.clients!) websocket.terminate();
      server.close();
    });
    await once(server, 'listening');
    return { server, port: (server.address() as AddressInfo).port };
  }

  async function rawPeer(port: number): Promise<RawPeer> {
    const { peer } = await connectRaw(port, { headers: HEADERS });
    onTestFinished(() => void peer.socket.destroy());
    return peer;
  }

  test('600 messages that are sent in one go', async () => {
    const { server, port } = await serve();
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    const client = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: true, readPath });
    const [ws] = await connected;
    let next = 0;
    const done = new Promise<void>((resolve) => {
      client.on('message', (data: Buffer) => {
        if (Buffer.compare(data, texts[next % 20]) === 0 && ++next === 600) resolve();
      });
    });
    const order: number[] = [];
    for (let at = 0; at < 600; at++) ws.send(texts[at % 20], () => order.push(at));
    expect(ws.bufferedAmount).toBeGreaterThan(0);
    await done;
    client.terminate();
    expect(order.every((at, index) => at === index)).toBe(true);
    expect(largestShare()).toBeLessThan(0.5);
  });

  test('780 messages in one segment', async () => {
    const { server, port } = await serve();
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    const raw = await rawPeer(port);
    const [ws] = await connected;
    let count = 0;
    const done = new Promise<void>((resolve) => {
      ws.on('message', (data: Buffer) => {
        expect(data).toHaveLength(65_535);
        if (++count === 780) resolve();
      });
    });
    const payload = compressed(Buffer.alloc(65_535), { level: 9 });
    const frame = encodeFrame({ opcode: 2, rsv1: true, masked: true, payload });
    raw.write(Buffer.concat(Array.from({ length: 780 }, () => frame)));
    await done;
    expect(largestShare()).toBeLessThan(0.75);
  });

  test('one message each from 100 peers, and its answer', async () => {
    const { server, port } = await serve();
    server.on('connection', (ws: WebSocket) => {
      ws.on('message', (data: Buffer) => ws.send(data));
    });
    const peers = await Promise.all(Array.from({ length: 100 }, () => rawPeer(port)));
    const frame = encodeFrame({ opcode: 1, rsv1: true, masked: true, payload: compressed(json) });
    for (const peer of peers) peer.write(frame);
    const answers = await Promise.all(peers.map((peer) => peer.readFrame()));
    for (const { rsv1, payload } of answers) expect([rsv1, payload.length < json.length]).toEqual([true, true]);
    expect(largestShare()).toBeLessThan(0.5);
  });
});
