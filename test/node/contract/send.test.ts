/** The contract with `ws`: send(), what it takes, how it is framed, when it calls back. */
import { expect, it, vi } from 'vitest';
import { connectingClient, contract, event, message, messages, pair, rawClient, rawServer, turn } from './harness.js';
import type { Client } from './implementations.js';
import { ownedPairOfStreams } from './streams.js';

function sent(ws: Client, data: unknown, options?: object): Promise<Error | null | undefined> {
  return new Promise((resolve) => {
    if (options) ws.send(data, options, resolve);
    else ws.send(data, resolve);
  });
}

const floats = new Float32Array([1.5, -2.5]);
const floatBytes = Buffer.from(floats.buffer);

// What is given, and the frame it becomes.
const DATA: { name: string; data: unknown; opcode: number; payload: Buffer }[] = [
  { name: 'a string is text', data: 'été €', opcode: 1, payload: Buffer.from('été €') },
  { name: 'an empty string is empty text', data: '', opcode: 1, payload: Buffer.alloc(0) },
  { name: 'a lone surrogate becomes U+FFFD', data: 'a\ud800b', opcode: 1, payload: Buffer.from('a\ufffdb') },
  { name: 'a number is text', data: 123.5, opcode: 1, payload: Buffer.from('123.5') },
  { name: '0 is text "0"', data: 0, opcode: 1, payload: Buffer.from('0') },
  { name: 'undefined is empty binary', data: undefined, opcode: 2, payload: Buffer.alloc(0) },
  { name: 'null is empty binary', data: null, opcode: 2, payload: Buffer.alloc(0) },
  { name: 'false is empty binary', data: false, opcode: 2, payload: Buffer.alloc(0) },
  { name: 'a Buffer is binary', data: Buffer.from('abc'), opcode: 2, payload: Buffer.from('abc') },
  { name: 'a Uint8Array is binary', data: Uint8Array.of(1, 2, 255), opcode: 2, payload: Buffer.from([1, 2, 255]) },
  { name: 'a Float32Array is its bytes', data: floats, opcode: 2, payload: floatBytes },
  { name: 'a part of a typed array', data: floats.subarray(1), opcode: 2, payload: floatBytes.subarray(4) },
  {
    name: 'a DataView is its window',
    data: new DataView(floats.buffer, 2, 3),
    opcode: 2,
    payload: floatBytes.subarray(2, 5),
  },
  { name: 'an ArrayBuffer is binary', data: Uint8Array.of(9, 8).buffer, opcode: 2, payload: Buffer.from([9, 8]) },
  { name: 'an array of numbers is binary', data: [7, 6, 5], opcode: 2, payload: Buffer.from([7, 6, 5]) },
  { name: 'a Blob is binary', data: new Blob(['blob', 'by']), opcode: 2, payload: Buffer.from('blobby') },
  { name: 'an empty Blob is empty binary', data: new Blob([]), opcode: 2, payload: Buffer.alloc(0) },
  {
    name: 'an object with valueOf() giving a string',
    data: new String('boxed'),
    opcode: 2,
    payload: Buffer.from('boxed'),
  },
];

contract('send', (implementation) => {
  for (const { name, data, opcode, payload } of DATA) {
    it(`send(data): ${name}, from client and from server`, async () => {
      const { ws: server, peer: client } = await rawClient(implementation);
      server.send(data);
      expect(await client.readFrame()).toMatchObject({ fin: true, rsv1: false, opcode, masked: false, payload });
      const other = await rawServer(implementation);
      other.ws.send(data);
      expect(await other.peer.readFrame()).toMatchObject({ fin: true, rsv1: false, opcode, masked: true, payload });
    });
  }

  it('send(data): what Buffer.from refuses throws its TypeError at the caller', async () => {
    const { client } = await pair(implementation);
    for (const data of [{}, true, () => {}, Symbol('no')]) {
      expect(() => client.send(data)).toThrow(TypeError);
    }
    expect(client.readyState).toBe(client.OPEN);
  });

  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]) {
    it(`send(data): ${length} bytes take the shortest length form`, async () => {
      const { ws, peer } = await rawClient(implementation);
      const data = Buffer.alloc(length, 'abc');
      ws.send(data);
      const frame = await peer.readFrame();
      expect(frame.length).toBe(length + (length < 126 ? 2 : length < 65_536 ? 4 : 10));
      expect(frame.payload.equals(data)).toBe(true);
    });
  }

  it('options binary: overrules the kind of the data', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.send('text as binary', { binary: true });
    ws.send(Buffer.from('binary as text'), { binary: false });
    // A given undefined counts: options are spread over the defaults.
    ws.send(Buffer.from('binary as text'), { binary: undefined });
    expect((await peer.readFrame()).opcode).toBe(2);
    expect((await peer.readFrame()).opcode).toBe(1);
    expect((await peer.readFrame()).opcode).toBe(1);
  });

  it('options fin: false sends fragments, the kind is that of the first', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.send('fra', { fin: false });
    ws.send(Buffer.from('gm'), { fin: false });
    ws.ping('between');
    ws.send('ent', { fin: true });
    ws.send('next');
    const frames = [];
    for (let i = 0; i < 5; i++) frames.push(await peer.readFrame());
    expect(frames.map(({ fin, opcode, payload }) => `${fin} ${opcode} ${payload.toString()}`)).toEqual([
      'false 1 fra',
      'false 0 gm',
      'true 9 between',
      'true 0 ent',
      'true 1 next',
    ]);
  });

  it('options mask: true on a client, false on a server, and may be overruled', async () => {
    const server = await rawClient(implementation);
    server.ws.send('plain');
    server.ws.send('masked', { mask: true });
    expect(await server.peer.readFrame()).toMatchObject({ masked: false });
    expect(await server.peer.readFrame()).toMatchObject({ masked: true, payload: Buffer.from('masked') });
    const client = await rawServer(implementation);
    client.ws.send('masked');
    client.ws.send('plain', { mask: false });
    expect(await client.peer.readFrame()).toMatchObject({ masked: true });
    expect(await client.peer.readFrame()).toMatchObject({ masked: false, payload: Buffer.from('plain') });
  });

  it('options mask: undefined on a client masks, and an inherited option counts (D16)', async () => {
    const { ws, peer } = await rawServer(implementation);
    const masked = implementation.differs('D16', { ws: false, wsimd: true });
    ws.send('of undefined', { mask: undefined });
    expect(await peer.readFrame()).toMatchObject({ masked, payload: Buffer.from('of undefined') });
    ws.send('inherited', Object.create({ binary: true }) as object);
    const opcode = implementation.differs('D16', { ws: 1, wsimd: 2 });
    expect(await peer.readFrame()).toMatchObject({ masked: true, opcode, payload: Buffer.from('inherited') });
  });

  it('options compress: is ignored when nothing was negotiated', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.send('x'.repeat(2000), { compress: true });
    expect(await peer.readFrame()).toMatchObject({ rsv1: false });
  });

  it('options undefined or null: are as if not given', async () => {
    const { ws, peer } = await rawClient(implementation);
    const callback = vi.fn();
    ws.send('one', undefined, callback);
    ws.send('two', null as unknown as undefined);
    expect((await peer.readFrame()).payload.toString()).toBe('one');
    expect((await peer.readFrame()).payload.toString()).toBe('two');
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('CONNECTING: send() throws', () => {
    const ws = connectingClient(implementation);
    const error = new Error('WebSocket is not open: readyState 0 (CONNECTING)');
    expect(() => ws.send('x')).toThrow(error);
    expect(() => ws.send('x', () => expect.unreachable())).toThrow(error);
  });

  it('CLOSING and CLOSED: send() calls back with an Error in the next tick, does not throw and emits nothing', async () => {
    const { client } = await pair(implementation);
    client.on('error', () => expect.unreachable());
    const results: string[] = [];
    const note = (error?: Error | null): void => void results.push(error?.message ?? 'none');
    client.close();
    client.send('x', note);
    client.send('x', {}, note);
    client.send('x');
    expect(results).toEqual([]);
    await turn();
    expect(results).toEqual([
      'WebSocket is not open: readyState 2 (CLOSING)',
      'WebSocket is not open: readyState 2 (CLOSING)',
    ]);
    await event(client, 'close');
    client.send('x', note);
    await turn();
    expect(results[2]).toBe('WebSocket is not open: readyState 3 (CLOSED)');
  });

  it('callback: runs once, without an error, when the write is done, and not within send()', async () => {
    const { client } = await pair(implementation);
    const callback = vi.fn();
    client.send('x', callback);
    expect(callback).not.toHaveBeenCalled();
    await vi.waitUntil(() => callback.mock.calls.length > 0);
    await turn();
    expect(callback).toHaveBeenCalledTimes(1);
    expect(callback.mock.calls[0][0] ?? undefined).toBeUndefined();
  });

  it('callback: runs for strings, Buffers, Blobs, fragments, empty data and big data, in the order of the sends', async () => {
    const { client, peer } = await pair(implementation);
    peer.on('message', () => {});
    const order: number[] = [];
    const all = [
      'text',
      Buffer.from('buffer'),
      new Blob(['blob']),
      '',
      Buffer.alloc(3_000_000),
      'after the big one',
      new Blob(['x'.repeat(100_000)]),
    ];
    await Promise.all(
      all.map(
        (data, i) =>
          new Promise<void>((resolve, reject) => {
            client.send(data, (error) => {
              order.push(i);
              if (error) reject(error);
              else resolve();
            });
          }),
      ),
    );
    expect(order).toEqual(all.map((_, i) => i));
  });

  it('callback: of a write that the socket has not taken waits for it', async () => {
    const { ws, socket } = ownedPairOfStreams(implementation);
    socket.cork();
    const callback = vi.fn();
    ws.send('held', callback);
    await turn();
    expect(callback).not.toHaveBeenCalled();
    socket.uncork();
    await vi.waitUntil(() => callback.mock.calls.length === 1);
  });

  it('callback: gets an error when the socket is destroyed before the write, once', async () => {
    const { ws, socket } = ownedPairOfStreams(implementation);
    ws.on('error', () => {});
    socket.cork();
    const results = [sent(ws, 'one'), sent(ws, 'two')];
    await turn();
    const closed = event(ws, 'close');
    ws.terminate();
    for (const error of await Promise.all(results)) expect(error).toBeInstanceOf(Error);
    await closed;
  });

  it('order: is kept while older messages deflate or a Blob is read', async () => {
    const { client, peer } = await pair(implementation, { server: { perMessageDeflate: { threshold: 0 } } });
    const got = messages(peer, 6);
    client.send('first '.repeat(10_000));
    client.send('second', { compress: false });
    client.send(new Blob(['third']));
    client.send(Buffer.from('fourth'));
    client.send(new Blob(['fifth '.repeat(1000)]));
    client.send('sixth');
    const list = (await got).map(({ data, isBinary }) => `${isBinary} ${data.toString().slice(0, 6).trim()}`);
    expect(list).toEqual(['false first', 'false second', 'true third', 'true fourth', 'true fifth', 'false sixth']);
  });

  it('order: pings and the close frame queue behind what is being deflated', async () => {
    const { peer: ws, client } = await pair(implementation, { server: { perMessageDeflate: { threshold: 0 } } });
    const log: string[] = [];
    client.on('message', (data: Buffer) => log.push(`message ${data.length}`));
    client.on('ping', () => log.push('ping'));
    client.on('pong', () => log.push('pong'));
    const closed = event(client, 'close');
    ws.send('x'.repeat(100_000));
    ws.ping();
    ws.pong();
    ws.close(1000);
    await closed;
    expect(log).toEqual(['message 100000', 'ping', 'pong']);
  });

  it("Blob: that cannot be read emits 'error', calls back with it and closes", async () => {
    const { client } = await pair(implementation);
    const failure = new Error('unreadable');
    const blob = Object.assign(new Blob(['x']), { arrayBuffer: () => Promise.reject(failure) });
    const errored = event<[Error]>(client, 'error');
    const closed = event<[number]>(client, 'close');
    const callback = vi.fn();
    client.send(blob, callback);
    client.send('behind it', callback);
    expect((await errored)[0]).toBe(failure);
    expect(callback.mock.calls).toEqual([[failure], [failure]]);
    expect(client.readyState).toBe(client.CLOSING);
    expect((await closed)[0]).toBe(1006);
  });

  it('Blob: a connection that ends while it is read gives the callbacks an error', async () => {
    const { client } = await pair(implementation);
    const results = [sent(client, new Blob(['x'])), sent(client, 'behind it')];
    client.terminate();
    for (const error of await Promise.all(results)) {
      expect(error).toEqual(new Error('The socket was closed while the blob was being read'));
    }
  });

  it("caller's data: is not changed by masking", async () => {
    const { ws, peer } = await rawServer(implementation);
    for (const length of [1, 10, 50, 300, 70_000]) {
      const data = Buffer.alloc(length, 'keep');
      const copy = Buffer.from(data);
      ws.send(data);
      ws.send(new Uint8Array(data.buffer, data.byteOffset, data.length));
      expect(data.equals(copy)).toBe(true);
      expect((await peer.readFrame()).payload.equals(copy)).toBe(true);
      expect((await peer.readFrame()).payload.equals(copy)).toBe(true);
      await turn();
      expect(data.equals(copy)).toBe(true);
    }
  });

  it("caller's data: may be changed after the callback, and arrives as it was at send()", async () => {
    const { client, peer } = await pair(implementation);
    const data = Buffer.from('before');
    const got = message(peer);
    await sent(client, data);
    data.fill('x');
    expect((await got).data.toString()).toBe('before');
  });

  it('return value: send(), ping(), pong() and close() return nothing', async () => {
    const { client } = await pair(implementation);
    expect(client.send('x')).toBeUndefined();
    expect(client.ping()).toBeUndefined();
    expect(client.pong()).toBeUndefined();
    expect(client.close()).toBeUndefined();
  });

  it('round trip: text and binary from 0 to 1 MiB arrive equal, both ways', async () => {
    const { client, peer } = await pair(implementation);
    const sizes = [0, 1, 16, 125, 126, 1000, 65_535, 65_536, 1_048_576];
    for (const [from, to] of [
      [client, peer],
      [peer, client],
    ]) {
      const got = messages(to, sizes.length * 2);
      for (const size of sizes) {
        from.send('aé€'.repeat(size).slice(0, size));
        from.send(Buffer.alloc(size, 'xyz'));
      }
      for (const [i, { data, isBinary }] of (await got).entries()) {
        const size = sizes[i >> 1];
        const expected = isBinary ? Buffer.alloc(size, 'xyz') : Buffer.from('aé€'.repeat(size).slice(0, size));
        expect(isBinary).toBe(i % 2 === 1);
        expect(data.equals(expected)).toBe(true);
      }
    }
  });
});
