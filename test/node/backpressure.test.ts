// One figure of what was sent and waits, wherever it waits: in the socket, behind the deflater, or behind a Blob.
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import type { ServerOptions } from '../../src/node/server-options.js';
import { noise, seeded } from '../support/deflate.js';
import { connectRaw, type RawPeer } from '../support/raw-peer.js';

const MiB = 1024 * 1024;
const READ_PATHS = ['landing', 'data'] as const;

/** A server's side, and a raw client that reads nothing until it is told to. */
async function deafPeer(options: ServerOptions): Promise<{ ws: WebSocket; raw: RawPeer }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  onTestFinished(() => {
    for (const websocket of server.clients ?? []) websocket.terminate();
    server.close();
  });
  await once(server, 'listening');
  const connected = once(server, 'connection') as Promise<[WebSocket]>;
  const { peer: raw } = await connectRaw((server.address() as { port: number }).port, {
    headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
  });
  onTestFinished(() => void raw.socket.destroy());
  raw.socket.pause();
  return { ws: (await connected)[0], raw };
}

const long = new Uint8Array(noise(MiB, seeded(1)));
const short = new Uint8Array(noise(1000, seeded(2)));
/** What is sent first, and what is then sent again and again. */
const LOADS = [
  ['long messages for the deflater', () => {}, long, true],
  ['short messages behind a long one for the deflater', (ws: WebSocket) => ws.send(long), short, true],
  ['Blobs', () => {}, new Blob([long]), false],
  ['messages behind a Blob', (ws: WebSocket) => ws.send(new Blob([short])), long, false],
  ['pongs behind a Blob', (ws: WebSocket) => ws.send(new Blob([short])), undefined, false],
  ['plain messages', () => {}, long, false],
] as const;

describe.each(READ_PATHS)('read by %s:', (readPath) => {
  test.each(LOADS)('%s: needDrain says to wait, and drain comes', async (_, begin, data, perMessageDeflate) => {
    const { ws, raw } = await deafPeer({ perMessageDeflate, readPath });
    begin(ws);
    let sent = 0;
    for (; sent < 100_000 && !ws.needDrain; sent++) {
      if (data === undefined) ws.pong('a'.repeat(100));
      else ws.send(data);
    }
    expect([ws.needDrain, sent < 100_000]).toEqual([true, true]);
    expect(ws.bufferedAmount).toBeLessThan(17 * MiB);
    const drained = once(ws, 'drain');
    raw.socket.on('data', () => {}).resume();
    await drained;
    expect(ws.needDrain).toBe(false);
  });

  test.each(LOADS.filter(([, , data]) => data !== undefined))(
    '%s: maxBackpressure ends the connection',
    async (_, begin, data, perMessageDeflate) => {
      const { ws } = await deafPeer({ perMessageDeflate, readPath, maxBackpressure: 8 * MiB });
      const errors: unknown[] = [];
      ws.on('error', (error) => errors.push(error));
      const closed = new Promise((resolve) => void ws.on('close', resolve));
      begin(ws);
      let most = 0;
      for (let at = 0; at < 20_000 && ws.readyState === 1; at++) {
        most = Math.max(most, ws.bufferedAmount);
        ws.send(data);
      }
      expect(ws.readyState).not.toBe(1);
      // The send that is one too many still waits.
      expect(most).toBeLessThan(9.1 * MiB);
      expect(await closed).toBe(1006);
      expect(errors).toMatchObject([{ code: 'WS_ERR_BACKPRESSURE' }]);
    },
  );
});

test('frames of a broadcast keep their place behind a Blob', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => server.close());
  await once(server, 'listening');
  const connected = once(server, 'connection') as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
  onTestFinished(() => client.terminate());
  const got: string[] = [];
  client.on('message', (data: Buffer) => got.push(data.toString()));
  const [ws] = await connected;
  ws.send(new Blob(['one']));
  server.broadcast('two');
  ws.send('three');
  ws.close();
  await once(client, 'close');
  expect(got).toEqual(['one', 'two', 'three']);
});
