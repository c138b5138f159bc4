/** The contract with `ws`: createWebSocketStream. */
import { Duplex } from 'node:stream';
import { expect, it, vi } from 'vitest';
import {
  answering,
  connectingClient,
  contract,
  dial,
  ending,
  event,
  listen,
  message,
  messages,
  pair,
  rawClient,
  recorder,
  turn,
  type Pair,
} from './harness.js';

contract('createWebSocketStream', (implementation) => {
  const streams = async (options?: object): Promise<Pair & { duplex: Duplex }> => {
    const both = await pair(implementation);
    return { ...both, duplex: implementation.createWebSocketStream(both.client, options) };
  };

  it('createWebSocketStream: gives a Duplex that passes on its options', async () => {
    const { duplex } = await streams({ readableHighWaterMark: 3, writableHighWaterMark: 5, encoding: 'utf8' });
    expect(duplex).toBeInstanceOf(Duplex);
    expect([duplex.readableHighWaterMark, duplex.writableHighWaterMark]).toEqual([3, 5]);
    expect(duplex.readableEncoding).toBe('utf8');
  });

  it('options: writableObjectMode, objectMode, autoDestroy and emitClose are forced off', async () => {
    const { duplex } = await streams({
      objectMode: true,
      writableObjectMode: true,
      autoDestroy: true,
      emitClose: true,
    });
    expect([duplex.writableObjectMode, duplex.readableObjectMode]).toEqual([false, false]);
    const closed = vi.fn();
    duplex.on('close', closed);
    duplex.destroy();
    await event(duplex, 'close');
    await turn();
    expect(closed).toHaveBeenCalledTimes(1);
  });

  it('write: each is one binary message', async () => {
    const { duplex, peer } = await streams();
    const got = messages(peer, 3);
    duplex.write('one');
    duplex.write(Buffer.from('two'));
    duplex.write('three');
    expect((await got).map(({ data, isBinary }) => `${isBinary} ${data.toString()}`)).toEqual([
      'true one',
      'true two',
      'true three',
    ]);
  });

  it('read: each message is one chunk', async () => {
    const { duplex, peer } = await streams();
    const chunks: unknown[] = [];
    const three = new Promise<void>((resolve) => {
      duplex.on('data', (chunk: unknown) => {
        chunks.push(chunk);
        if (chunks.length === 3) resolve();
      });
    });
    peer.send('text');
    peer.send(Buffer.from('binary'));
    peer.send('x'.repeat(70_000));
    await three;
    expect(chunks.map((chunk) => Buffer.isBuffer(chunk) && chunk.length)).toEqual([4, 6, 70_000]);
  });

  it('readableObjectMode: gives strings for text and Buffers for binary', async () => {
    const { duplex, peer } = await streams({ readableObjectMode: true });
    const chunks: unknown[] = [];
    const two = new Promise<void>((resolve) => {
      duplex.on('data', (chunk: unknown) => {
        chunks.push(chunk);
        if (chunks.length === 2) resolve();
      });
    });
    peer.send('text');
    peer.send(Buffer.from('binary'));
    await two;
    expect(chunks).toEqual(['text', Buffer.from('binary')]);
  });

  it("write: waits for 'open'", async () => {
    const { url, server } = await listen(implementation);
    const got = new Promise((resolve) => {
      server.on('connection', (ws: Parameters<typeof message>[0]) => resolve(message(ws)));
    });
    const ws = dial(implementation, url);
    const duplex = implementation.createWebSocketStream(ws);
    const callback = vi.fn();
    duplex.write('early', callback);
    expect(callback).not.toHaveBeenCalled();
    expect(await got).toEqual({ data: Buffer.from('early'), isBinary: true });
    await vi.waitUntil(() => callback.mock.calls.length === 1);
  });

  it("end: before 'open' waits for it, then closes", async () => {
    const { url } = await listen(implementation);
    const ws = dial(implementation, url);
    const duplex = implementation.createWebSocketStream(ws);
    duplex.resume();
    const closed = event<[number]>(ws, 'close');
    duplex.end('last');
    expect((await closed)[0]).toBe(1005);
  });

  it("end: calls ws.close(), and 'finish' waits for the socket's finish", async () => {
    const { ws, peer } = await rawClient(implementation);
    const duplex = implementation.createWebSocketStream(ws);
    const log: string[] = [];
    for (const name of ['finish', 'end', 'close']) duplex.on(name, () => log.push(name));
    duplex.resume();
    duplex.end('bye');
    expect((await peer.readFrame()).payload.toString()).toBe('bye');
    expect(await peer.readClose()).toEqual({ code: undefined, reason: '' });
    await turn();
    expect(log).toEqual([]);
    peer.close();
    await event(duplex, 'close');
    expect(log).toEqual(['finish', 'end', 'close']);
  });

  it("end: a socket that is lost meanwhile still gives 'finish' before 'end' (D14)", async () => {
    const { duplex, client } = await streams();
    const log: string[] = [];
    for (const name of ['finish', 'end', 'close']) duplex.on(name, () => log.push(name));
    duplex.resume();
    const ended = event(duplex, implementation.differs('D14', { ws: 'end', wsimd: 'close' }));
    duplex.end('x');
    client.terminate();
    await ended;
    await turn();
    expect(log).toEqual(implementation.differs('D14', { ws: ['end'], wsimd: ['finish', 'end', 'close'] }));
  });

  it("peer closes: gives 'end', then 'finish' when the writing side is ended, then 'close'", async () => {
    const { duplex, peer } = await streams();
    const log: string[] = [];
    for (const name of ['finish', 'end', 'close']) duplex.on(name, () => log.push(name));
    duplex.resume();
    peer.close();
    await event(duplex, 'end');
    duplex.end();
    await event(duplex, 'close');
    expect(log.sort()).toEqual(['close', 'end', 'finish']);
  });

  it("'end': its listeners find the stream destroyed once it has finished, and else not", async () => {
    for (const finished of [true, false]) {
      const { duplex, peer } = await streams();
      duplex.resume();
      const ended = new Promise((resolve) => duplex.on('end', () => resolve(duplex.destroyed)));
      if (finished) duplex.end();
      else peer.close();
      expect(await ended).toBe(finished);
      duplex.destroy();
    }
  });

  it('destroy: terminates the WebSocket and emits close after it', async () => {
    const { duplex, client, peer } = await streams();
    const order: string[] = [];
    client.on('close', (code: number) => order.push(`ws ${code}`));
    duplex.on('close', () => order.push('duplex'));
    const peerEnd = ending(peer);
    duplex.destroy();
    await event(duplex, 'close');
    expect(order).toEqual(['ws 1006', 'duplex']);
    expect((await peerEnd).code).toBe(1006);
  });

  it('destroy: with an error emits it', async () => {
    const { duplex } = await streams();
    const error = new Error('mine');
    const failed = event<[Error]>(duplex, 'error');
    duplex.destroy(error);
    expect((await failed)[0]).toBe(error);
  });

  it('destroy: while connecting gives the error of an abandoned handshake', async () => {
    const server = await answering(() => {});
    const ws = dial(implementation, server.url);
    const duplex = implementation.createWebSocketStream(ws);
    const failed = event<[Error]>(duplex, 'error');
    const closed = event(duplex, 'close');
    duplex.destroy();
    expect((await failed)[0].message).toBe('WebSocket was closed before the connection was established');
    await closed;
  });

  it("ws 'error': destroys the stream with it, and a Close still goes to the peer", async () => {
    const { ws, peer } = await rawClient(implementation);
    const duplex = implementation.createWebSocketStream(ws);
    const failed = event<[Error & { code?: string }]>(duplex, 'error');
    const closed = event(duplex, 'close');
    peer.send({ opcode: 5 });
    expect((await failed)[0].code).toBe('WS_ERR_INVALID_OPCODE');
    expect((await peer.readClose()).code).toBe(1002);
    await closed;
  });

  it('failed handshake: destroys the stream with its error', async () => {
    const server = await answering(({ peer }) => peer.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const duplex = implementation.createWebSocketStream(dial(implementation, server.url));
    duplex.end();
    const [error] = await event<[Error]>(duplex, 'error');
    expect(error.message).toBe('Unexpected server response: 400');
  });

  it('full readable: pauses the WebSocket, read() resumes it, nothing is lost', async () => {
    const { duplex, client, peer } = await streams({ readableHighWaterMark: 4 });
    const sent = Array.from({ length: 50 }, (_, i) => String(i).padStart(10, '.'));
    for (const text of sent) peer.send(text);
    await vi.waitUntil(() => client.isPaused);
    let received = '';
    for await (const chunk of duplex) {
      received += (chunk as Buffer).toString();
      if (received.length === 500) break;
    }
    expect(received).toBe(sent.join(''));
  });

  it('resume: of a WebSocket that is not paused is left alone', async () => {
    const { duplex, client } = await streams();
    const resume = vi.spyOn(client, 'resume');
    duplex.read();
    await turn();
    expect(resume).not.toHaveBeenCalled();
  });

  it('empty message: does not end the stream', async () => {
    const { duplex, peer } = await streams();
    const chunks: string[] = [];
    const got = new Promise<void>((resolve) => {
      duplex.on('data', (chunk: Buffer) => {
        chunks.push(chunk.toString());
        if (chunk.toString() === 'after') resolve();
      });
    });
    peer.send('');
    peer.send('after');
    await got;
    expect(chunks.at(-1)).toBe('after');
  });

  it('pipe: an echo through a stream on each side is equal', async () => {
    const { client, peer } = await pair(implementation);
    const echo = implementation.createWebSocketStream(peer);
    echo.pipe(echo);
    const duplex = implementation.createWebSocketStream(client);
    const sent = Buffer.alloc(500_000, 'echo me ');
    const parts: Buffer[] = [];
    let length = 0;
    const all = new Promise<void>((resolve) => {
      duplex.on('data', (chunk: Buffer) => {
        parts.push(chunk);
        length += chunk.length;
        if (length === sent.length) resolve();
      });
    });
    for (let at = 0; at < sent.length; at += 10_000) duplex.write(sent.subarray(at, at + 10_000));
    await all;
    expect(Buffer.concat(parts).equals(sent)).toBe(true);
  });

  it('write callbacks: run once each, and an error when the connection is gone', async () => {
    const { duplex, client } = await streams();
    client.terminate();
    duplex.on('error', () => {});
    const error = await new Promise((resolve) => {
      duplex.write('late', resolve);
    });
    expect(error).toBeInstanceOf(Error);
  });

  it('messages before destroy: those of one chunk are read even when the Close follows at once', async () => {
    const { ws, peer } = await rawClient(implementation);
    const duplex = implementation.createWebSocketStream(ws);
    const chunks: string[] = [];
    duplex.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    const ended = event(duplex, 'end');
    peer.send({ payload: 'one' }, { payload: 'two' }, { opcode: 8 });
    await ended;
    duplex.end();
    expect(chunks).toEqual(['one', 'two']);
  });

  it('methods: need no this, and work by way of a Proxy or of an object that inherits', async () => {
    const { peer, duplex } = await streams();
    expect(duplex.constructor).toBe(Duplex);
    // As ws's own tests do, and tools that watch a stream.
    const read = Reflect.get(duplex, '_read') as () => void;
    const reads = vi.fn(() => read());
    duplex._read = reads;
    const first = event<[Buffer]>(duplex, 'data');
    peer.send('in');
    expect((await first)[0].toString()).toBe('in');
    expect(reads).toHaveBeenCalled();
    for (const face of [new Proxy(duplex, {}), Object.create(duplex) as Duplex]) {
      const received = message(peer);
      face.write('out');
      expect((await received).data).toEqual(Buffer.from('out'));
    }
    const closed = event(duplex, 'close');
    new Proxy(duplex, {}).destroy();
    await closed;
  });

  it('listeners: of the WebSocket itself still see everything', async () => {
    const { client, peer, duplex } = await streams();
    duplex.resume();
    const log = recorder(client);
    const got = message(client);
    peer.send('both');
    await got;
    expect(log).toEqual(['text both']);
  });

  it('connecting WebSocket: makes a stream without throwing', () => {
    const duplex = implementation.createWebSocketStream(connectingClient(implementation));
    duplex.on('error', () => {});
    expect(duplex).toBeInstanceOf(Duplex);
  });
});
