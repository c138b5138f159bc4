/** The contract with `ws`: ping() and pong(), and the answer to the peer's pings. */
import { expect, it, vi } from 'vitest';
import { connectingClient, contract, event, pair, rawClient, rawServer, recorder, turn } from './harness.js';

const METHODS = [
  ['ping', 9],
  ['pong', 10],
] as const;

contract('ping and pong', (implementation) => {
  for (const [method, opcode] of METHODS) {
    it(`${method}(data): takes what send() takes, masked as the role demands`, async () => {
      const server = await rawClient(implementation);
      const client = await rawServer(implementation);
      for (const [data, payload] of [
        [undefined, ''],
        ['', ''],
        ['text é', 'text é'],
        [0, '0'],
        [42, '42'],
        [Buffer.from('buffer'), 'buffer'],
        [Uint8Array.of(97, 98), 'ab'],
        [Uint8Array.of(99).buffer, 'c'],
        [[100, 101], 'de'],
        [new Blob(['blob']), 'blob'],
        [null, ''],
      ] as const) {
        server.ws[method](data);
        client.ws[method](data);
        const expected = { fin: true, opcode, payload: Buffer.from(payload) };
        expect(await server.peer.readFrame()).toMatchObject({ ...expected, masked: false });
        expect(await client.peer.readFrame()).toMatchObject({ ...expected, masked: true });
      }
    });

    it(`${method}(data, mask, cb): callback and mask may stand in any of ws's places`, async () => {
      const { ws, peer } = await rawClient(implementation);
      const callback = vi.fn();
      ws[method](callback);
      ws[method]('a', callback);
      ws[method]('b', true, callback);
      ws[method]('c', undefined, callback);
      expect(await peer.readFrame()).toMatchObject({ masked: false, payload: Buffer.from('') });
      expect(await peer.readFrame()).toMatchObject({ masked: false, payload: Buffer.from('a') });
      expect(await peer.readFrame()).toMatchObject({ masked: true, payload: Buffer.from('b') });
      expect(await peer.readFrame()).toMatchObject({ masked: false, payload: Buffer.from('c') });
      await vi.waitUntil(() => callback.mock.calls.length === 4);
      for (const [error] of callback.mock.calls) expect(error ?? undefined).toBeUndefined();
    });

    it(`${method}(data): more than 125 bytes throws RangeError, counted in bytes, and sends nothing`, async () => {
      const { ws, peer } = await rawClient(implementation);
      const error = new RangeError('The data size must not be greater than 125 bytes');
      expect(() => ws[method](Buffer.alloc(126))).toThrow(error);
      expect(() => ws[method]('é'.repeat(63))).toThrow(error);
      expect(() => ws[method](new Blob(['x'.repeat(126)]))).toThrow(error);
      ws[method]('é'.repeat(62));
      expect((await peer.readFrame()).payload).toHaveLength(124);
    });

    it(`${method}(): throws in CONNECTING`, () => {
      const ws = connectingClient(implementation);
      expect(() => ws[method]()).toThrow(new Error('WebSocket is not open: readyState 0 (CONNECTING)'));
    });

    it(`${method}(): calls back with an Error in CLOSING and CLOSED, and does not throw, not even for long data`, async () => {
      const { client } = await pair(implementation);
      const results: (string | undefined)[] = [];
      const note = (error?: Error | null): void => void results.push(error?.message);
      client.close();
      client[method]('x', true, note);
      client[method](Buffer.alloc(200));
      client[method]();
      await event(client, 'close');
      client[method](note);
      await turn();
      expect(results).toEqual([
        'WebSocket is not open: readyState 2 (CLOSING)',
        'WebSocket is not open: readyState 3 (CLOSED)',
      ]);
    });

    it(`'${method}': is emitted with a Buffer, on both sides`, async () => {
      const { client, peer } = await pair(implementation);
      for (const [from, to] of [
        [client, peer],
        [peer, client],
      ]) {
        const got = event<[Buffer]>(to, method);
        from[method]('payload');
        const [data] = await got;
        expect(Buffer.isBuffer(data)).toBe(true);
        expect(data.toString()).toBe('payload');
      }
    });
  }

  it("automatic pong: goes out before the 'ping' event", async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.on('ping', () => ws.send('from the handler'));
    peer.send({ opcode: 9, payload: 'p' });
    expect(await peer.readFrame()).toMatchObject({ opcode: 10, payload: Buffer.from('p') });
    expect(await peer.readFrame()).toMatchObject({ opcode: 1 });
  });

  it('automatic pong: is masked on a client and carries the payload unchanged', async () => {
    const { ws, peer } = await rawServer(implementation);
    const payload = Buffer.from(Array.from({ length: 125 }, (_, i) => i * 2));
    const pinged = event<[Buffer]>(ws, 'ping');
    peer.send({ opcode: 9, payload });
    expect(await peer.readFrame()).toMatchObject({ opcode: 10, masked: true, payload });
    expect((await pinged)[0].equals(payload)).toBe(true);
  });

  it("automatic pong: is not sent while closing, but 'ping' is emitted", async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    const closed = event(ws, 'close');
    ws.close(1000);
    await peer.readFrame();
    peer.send({ opcode: 9, payload: 'late' });
    peer.close(1000);
    await closed;
    expect(log).toEqual(['ping late', 'close 1000']);
    expect(await peer.readFramesToEnd()).toEqual([]);
  });

  it('automatic pong: between the fragments of a message leaves the message whole', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    const done = event(ws, 'message');
    peer.send({ fin: false, payload: 'a' }, { opcode: 9, payload: 'p' }, { opcode: 0, payload: 'b' });
    await done;
    expect(log).toEqual(['ping p', 'text ab']);
    expect(await peer.readFrame()).toMatchObject({ opcode: 10, payload: Buffer.from('p') });
  });

  it('unsolicited pong: is emitted and not answered', async () => {
    const { ws, peer } = await rawClient(implementation);
    const got = event<[Buffer]>(ws, 'pong');
    peer.send({ opcode: 10, payload: 'unasked' });
    expect((await got)[0].toString()).toBe('unasked');
    ws.send('next');
    expect((await peer.readFrame()).opcode).toBe(1);
  });
});
