/** The contract with `ws`: pause() and resume(). */
import type { Socket } from 'node:net';
import zlib from 'node:zlib';
import { expect, it } from 'vitest';
import { connectingClient, contract, event, messages, pair, rawClient, recorder, turn } from './harness.js';
import type { Implementation } from './implementations.js';

/** A paused client whose socket holds the message 'kept'. */
async function pausedWithMessage(implementation: Implementation) {
  const { ws, peer } = await rawClient(implementation);
  const log = recorder(ws);
  ws.pause();
  const { _socket: socket } = ws;
  peer.send({ payload: 'kept' });
  // A header of two bytes, and the payload.
  while (socket.readableLength < 6) await turn();
  return { ws, peer, log, socket };
}

contract('pause and resume', (implementation) => {
  it('pause(): is a no-op in CONNECTING and CLOSED', async () => {
    const connecting = connectingClient(implementation);
    connecting.pause();
    expect(connecting.isPaused).toBe(false);
    connecting.resume();
    const { client } = await pair(implementation);
    client.close();
    await event(client, 'close');
    client.pause();
    expect(client.isPaused).toBe(false);
    client.resume();
    expect(client.isPaused).toBe(false);
  });

  it('pause(): stops events until resume(), nothing is lost and the order is kept', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    const first = event(ws, 'message');
    peer.send({ payload: 'one' });
    await first;
    ws.pause();
    for (let i = 0; i < 5; i++) peer.send({ payload: `paused ${i}` });
    // A round trip on a second connection shows that the bytes have had time to come.
    await pair(implementation);
    await turn();
    expect(log).toEqual(['text one']);
    const rest = messages(ws, 5);
    ws.resume();
    await rest;
    expect(log).toEqual(['text one', ...Array.from({ length: 5 }, (_, i) => `text paused ${i}`)]);
  });

  it('pause(): in CLOSING still takes hold', async () => {
    const { ws } = await rawClient(implementation);
    ws.close(1000);
    ws.pause();
    expect(ws.isPaused).toBe(true);
    ws.resume();
    expect(ws.isPaused).toBe(false);
  });

  it('pause(): backpressure reaches the peer', async () => {
    const { client, peer } = await pair(implementation);
    peer.pause();
    const chunk = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 32; i++) client.send(chunk);
    await pair(implementation);
    expect(client.bufferedAmount).toBeGreaterThan(0);
    const all = messages(peer, 32);
    peer.resume();
    await all;
  });

  it('pause() in a message handler: what is already parsed may come, the rest waits for resume()', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    ws.once('message', () => ws.pause());
    const first = event(ws, 'message');
    peer.send({ payload: 'one' });
    await first;
    peer.send({ payload: 'two' });
    await pair(implementation);
    expect(log).toEqual(['text one']);
    const second = event(ws, 'message');
    ws.resume();
    await second;
    expect(log).toEqual(['text one', 'text two']);
  });

  it("paused connection whose socket is destroyed: what the socket still holds is parsed and delivered before 'close'", async () => {
    const { ws, peer } = await rawClient(implementation, { readPath: 'data' });
    const log = recorder(ws);
    ws.pause();
    const readable = new Promise<void>((resolve) => {
      const look = (): void => {
        if (ws._socket.readableLength > 0) resolve();
        else setImmediate(look);
      };
      look();
    });
    ws._socket.read(0);
    peer.send({ payload: 'kept 1' }, { payload: 'kept 2' });
    await readable;
    const closed = event(ws, 'close');
    ws._socket.destroy();
    await closed;
    expect(log).toEqual(['text kept 1', 'text kept 2', 'close 1006']);
  });

  it.each(['end', 'resetAndDestroy', 'destroy'] as const)(
    "paused connection from which nothing has come: the peer's %s closes it",
    async (how) => {
      const { ws, peer } = await rawClient(implementation);
      const log = recorder(ws);
      ws.on('error', () => undefined);
      ws.pause();
      const closed = event(ws, 'close');
      (peer.socket as Socket)[how]();
      await closed;
      expect(log.at(-1)).toBe('close 1006');
    },
  );

  it('paused connection whose socket holds a message: a reset closes it, also where it was paused again', async () => {
    const { ws, peer, log } = await pausedWithMessage(implementation);
    ws.on('error', () => undefined);
    ws.resume();
    ws.pause();
    const closed = event(ws, 'close');
    (peer.socket as Socket).resetAndDestroy();
    await closed;
    expect(log).toEqual(['text kept', 'close 1006']);
  });

  it('paused while a message is inflated, behind which the peer has ended: closes', async () => {
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    const { ws, peer } = await rawClient(implementation, { perMessageDeflate: true }, { headers });
    const log = recorder(ws);
    ws.pause();
    const data = zlib.deflateRawSync(Buffer.alloc(1 << 20), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
    peer.send({ payload: 'first' }, { rsv1: true, opcode: 2, payload: data.subarray(0, -4) });
    peer.socket.end();
    // As above: the bytes and the end have had time to come.
    await pair(implementation);
    await turn();
    ws.once('message', () => ws.pause());
    const closed = event(ws, 'close');
    ws.resume();
    await closed;
    expect(log.map((line) => line.split(' ')[0])).toEqual(['text', 'binary', 'close']);
  });

  it('paused connection: the socket reads on up to its mark, and what it holds comes when it is resumed', async () => {
    const { ws, peer, log, socket } = await pausedWithMessage(implementation);
    expect(log).toEqual([]);
    peer.send({ payload: 'later' });
    while (socket.readableLength < 13) await turn();
    peer.socket.end();
    const closed = event(ws, 'close');
    ws.resume();
    await closed;
    expect(log).toEqual(['text kept', 'text later', 'close 1006']);
  });

  it('resume() and pause() in one turn, again and again: the socket holds no more', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.pause();
    const { _socket: socket } = ws;
    peer.send({ opcode: 2, payload: Buffer.alloc(8 << 20) });
    for (let i = 0; i < 200; i++) {
      ws.resume();
      ws.pause();
      await turn();
    }
    expect(socket.readableLength).toBeLessThan(1 << 20);
  });

  it('terminate() of a paused connection: what the socket holds is told', async () => {
    const { ws, log } = await pausedWithMessage(implementation);
    const closed = event(ws, 'close');
    ws.terminate();
    await closed;
    expect(log).toEqual(['text kept', 'close 1006']);
  });

  it('close() on a paused connection: closes when it is resumed', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    ws.pause();
    ws.close(1000);
    await peer.readClose();
    const closed = event(ws, 'close');
    peer.close(1000);
    ws.resume();
    await closed;
    expect(log).toEqual(['close 1000']);
  });

  it('close() on a paused connection: its end waits for closeTimeout, or for the Close of the peer alone (D11)', async () => {
    const { ws, peer } = await rawClient(implementation, { closeTimeout: 100 });
    const closed = event(ws, 'close');
    ws.pause();
    ws.close(1000);
    expect(ws.isPaused).toBe(implementation.differs('D11', { ws: true, wsimd: false }));
    await peer.readClose();
    peer.close(1000);
    await closed;
  });

  it('isPaused: is not changed by backpressure of the library itself', async () => {
    const { client, peer } = await pair(implementation);
    const states: boolean[] = [];
    const done = messages(peer, 20);
    peer.on('message', () => states.push(peer.isPaused));
    for (let i = 0; i < 20; i++) client.send(Buffer.alloc(200_000));
    await done;
    expect(states.every((state) => !state)).toBe(true);
  });
});
