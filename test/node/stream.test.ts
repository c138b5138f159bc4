// createWebSocketStream, held against that of `ws` over the same WebSockets, those of `ws`; over our own the contract holds it.
import { constants } from 'node:buffer';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Duplex, PassThrough, type DuplexOptions } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createWebSocketStream as streamOfWs, WebSocket, WebSocketServer } from 'ws';
import { createWebSocketStream as ourStream } from '../../src/node/stream.js';

type Create = (ws: WebSocket, options?: DuplexOptions) => Duplex;

const BOTH: Readonly<Record<string, Create>> = {
  ws: streamOfWs,
  ours: (ws, options) => ourStream(ws as never, options),
};

async function serve(): Promise<{ url: string; connection: Promise<WebSocket> }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => {
    for (const ws of server.clients) ws.terminate();
    server.close();
  });
  const connection = once(server, 'connection').then(([ws]) => ws as WebSocket);
  await once(server, 'listening');
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, connection };
}

async function pair(): Promise<{ client: WebSocket; peer: WebSocket }> {
  const { url, connection } = await serve();
  const client = new WebSocket(url);
  onTestFinished(() => client.terminate());
  const opened = once(client, 'open');
  const peer = await connection;
  await opened;
  return { client, peer };
}

/** The names of the events of a stream and its WebSocket, as they come. */
function record(duplex: Duplex, ws: WebSocket): string[] {
  const log: string[] = [];
  for (const name of ['finish', 'end', 'close']) duplex.on(name, () => log.push(name));
  duplex.on('error', (error: Error) => log.push(`error ${error.message}`));
  ws.on('close', (code) => log.push(`ws ${code}`));
  ws.on('error', () => log.push('ws error'));
  return log;
}

/** Resolves when `milliseconds` have gone by: only for showing that something does not happen. */
function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

describe.each(Object.entries(BOTH))('createWebSocketStream of %s', (name, create) => {
  it('with readableObjectMode, text too long for a string ends the stream with an error; with ws, the process', async () => {
    const { client, peer } = await pair();
    const duplex = create(client, { readableObjectMode: true });
    const log = record(duplex, client);
    const text = Buffer.alloc(constants.MAX_STRING_LENGTH + 1);
    if (name === 'ws') {
      expect(() => client.emit('message', text, false)).toThrow('Cannot create a string longer than');
      return;
    }
    const lost = once(peer, 'close');
    client.emit('message', text, false);
    await lost;
    await vi.waitFor(() => expect(log).toContain('close'));
    expect(log).toEqual(['ws 1006', expect.stringContaining('error Cannot create a string longer than'), 'close']);
  });

  it('makes a Duplex whose object mode, for writing, and own methods the options cannot change', async () => {
    const { client, peer } = await pair();
    const own = vi.fn();
    const duplex = create(client, {
      objectMode: true,
      writableObjectMode: true,
      readableObjectMode: true,
      read: own,
      write: own,
      final: own,
      destroy: own,
    });
    expect(duplex).toBeInstanceOf(Duplex);
    expect([duplex.readableObjectMode, duplex.writableObjectMode]).toEqual([true, false]);
    const got = once(peer, 'message');
    duplex.resume();
    duplex.end('x');
    expect(String((await got)[0])).toBe('x');
    await once(duplex, 'close');
    expect(own).not.toHaveBeenCalled();
  });

  it('emits finish, end and close, each once, when both sides end', async () => {
    const { client, peer } = await pair();
    const duplex = create(client);
    const log = record(duplex, client);
    duplex.resume();
    duplex.end();
    const [code] = (await once(peer, 'close')) as [number];
    await once(duplex, 'close');
    await wait(20);
    expect(code).toBe(1005);
    expect(log.filter((entry) => !entry.startsWith('ws'))).toEqual(['finish', 'end', 'close']);
    expect(log.indexOf('ws 1005')).toBeLessThan(log.indexOf('end'));
  });

  it('reads text as strings in readableObjectMode, and as bytes otherwise', async () => {
    for (const readableObjectMode of [true, false]) {
      const { client, peer } = await pair();
      const duplex = create(client, { readableObjectMode });
      peer.send('é');
      peer.send(Buffer.from('b'));
      const chunks: unknown[] = [];
      duplex.on('data', (chunk) => chunks.push(chunk));
      await vi.waitUntil(() => chunks.length === 2);
      expect(chunks).toEqual([readableObjectMode ? 'é' : Buffer.from('é'), Buffer.from('b')]);
    }
  });

  it('sends strings as text where the stream does not decode them, and else as binary', async () => {
    for (const decodeStrings of [true, false]) {
      const { client, peer } = await pair();
      const got = once(peer, 'message');
      create(client, { decodeStrings }).write('x');
      expect(await got).toEqual([Buffer.from('x'), decodeStrings]);
    }
  });

  it('pauses the WebSocket while its reader is full, and loses nothing when it is read again', async () => {
    const { client, peer } = await pair();
    const duplex = create(client, { readableHighWaterMark: 10 });
    // More than can come in one chunk.
    for (let i = 0; i < 100; i++) peer.send('0123456789'.repeat(1000));
    peer.close();
    await vi.waitUntil(() => client.isPaused);
    await wait(20);
    expect(duplex.readableLength).toBeLessThan(1_000_000);
    let length = 0;
    for await (const chunk of duplex) length += (chunk as Buffer).length;
    expect(length).toBe(1_000_000);
  });

  it('holds back a writer that is faster than the peer reads', async () => {
    const { client, peer } = await pair();
    peer.pause();
    const duplex = create(client);
    let written = 0;
    const chunk = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 24; i++) duplex.write(chunk, () => written++);
    await wait(50);
    expect(written).toBeLessThan(24);
    expect(duplex.writableNeedDrain).toBe(true);
    peer.resume();
    await once(duplex, 'drain');
    expect(written).toBe(24);
  });

  it('ends a pipeline through an echoing peer with what was put in', async () => {
    const { client, peer } = await pair();
    const echo = create(peer);
    echo.pipe(echo);
    const duplex = create(client);
    const source = new PassThrough();
    const chunks: Buffer[] = [];
    duplex.on('data', (chunk: Buffer) => chunks.push(chunk));
    const parts = Array.from({ length: 50 }, (_, i) => Buffer.alloc(1 + i * 100, i));
    for (const part of parts) source.write(part);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    source.pipe(duplex, { end: false });
    await vi.waitUntil(() => chunks.reduce((sum, chunk) => sum + chunk.length, 0) === length);
    source.end();
    duplex.end();
    await once(duplex, 'close');
    expect(Buffer.concat(chunks)).toEqual(Buffer.concat(parts));
  });

  it('completes pipeline() when the peer closes', async () => {
    const { client, peer } = await pair();
    const sink = new PassThrough();
    sink.resume();
    const done = pipeline(create(client), sink);
    peer.send('x');
    peer.close();
    await done;
    expect(sink.writableFinished).toBe(true);
  });

  it('terminates when destroyed, with or without an error, and closes after the WebSocket', async () => {
    for (const error of [undefined, new Error('mine')]) {
      const { client, peer } = await pair();
      const duplex = create(client);
      const log = record(duplex, client);
      const peerClosed = once(peer, 'close');
      duplex.destroy(error);
      await vi.waitUntil(() => log.includes('close'));
      expect(log).toEqual(['ws 1006', ...(error ? ['error mine'] : []), 'close']);
      expect((await peerClosed)[0]).toBe(1006);
    }
  });

  it('can be destroyed after the WebSocket has closed, and in its close event', async () => {
    for (const inside of [true, false]) {
      const { client } = await pair();
      const duplex = create(client);
      const log = record(duplex, client);
      if (inside) client.once('close', () => duplex.destroy());
      client.terminate();
      await once(client, 'close');
      if (!inside) duplex.destroy();
      await vi.waitUntil(() => log.includes('close'));
      expect(log).toEqual(['ws 1006', 'close']);
    }
  });

  it('terminates when its reader stops half-way', async () => {
    const { client, peer } = await pair();
    const peerClosed = once(peer, 'close');
    peer.send('one');
    peer.send('two');
    for await (const chunk of create(client, { readableObjectMode: true })) {
      expect(chunk).toBe('one');
      break;
    }
    expect((await peerClosed)[0]).toBe(1006);
  });

  it('is destroyed by an error of the WebSocket, which still closes with its Close frame', async () => {
    const { client, peer } = await pair();
    const duplex = create(client);
    const log = record(duplex, client);
    const peerClosed = once(peer, 'close');
    (peer as unknown as { _socket: Duplex })._socket.write(Buffer.from([0x85, 0]));
    await vi.waitUntil(() => log.includes('close'));
    expect(log).toEqual(['ws error', 'ws 1006', 'error Invalid WebSocket frame: invalid opcode 5', 'close']);
    expect((await peerClosed)[0]).toBe(1002);
  });

  it('fails a write to a WebSocket that is closing, and is destroyed', async () => {
    const { client } = await pair();
    const duplex = create(client);
    const log = record(duplex, client);
    client.close();
    const text = 'WebSocket is not open: readyState 2 (CLOSING)';
    const told = await new Promise<Error>((resolve) => {
      duplex.write('x', resolve as () => void);
    });
    expect(told.message).toBe(text);
    await vi.waitUntil(() => log.includes('close'));
    expect(log.filter((entry) => !entry.startsWith('ws'))).toEqual([`error ${text}`, 'close']);
  });

  it('keeps writes and the end until the WebSocket is open', async () => {
    const { url, connection } = await serve();
    const client = new WebSocket(url);
    const duplex = create(client);
    duplex.resume();
    duplex.write('one');
    duplex.end('two');
    const peer = await connection;
    const got: string[] = [];
    peer.on('message', (data: Buffer) => got.push(data.toString()));
    await once(duplex, 'close');
    expect(got).toEqual(['one', 'two']);
  });

  it('passes on the error of a handshake that failed, ended or not', async () => {
    for (const ended of [true, false]) {
      const client = new WebSocket('ws://127.0.0.1:1');
      const duplex = create(client);
      const log = record(duplex, client);
      if (ended) duplex.end();
      await vi.waitUntil(() => log.includes('close'));
      expect(log).toEqual(['ws error', 'ws 1006', expect.stringContaining('ECONNREFUSED'), 'close']);
    }
  });

  it('passes on the error of a handshake that destroy() gave up', async () => {
    const client = new WebSocket('ws://127.0.0.1:1');
    const duplex = create(client);
    const log = record(duplex, client);
    duplex.destroy(new Error('mine'));
    await vi.waitUntil(() => log.includes('close'));
    expect(log.filter((entry) => !entry.startsWith('ws'))).toEqual([
      'error WebSocket was closed before the connection was established',
      'close',
    ]);
  });

  it('lets an error throw that nobody listens to', async () => {
    const { client, peer } = await pair();
    create(client);
    const thrown = new Promise<Error>((resolve) => {
      const others = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const other of others) process.on('uncaughtException', other);
        resolve(error);
      });
    });
    (peer as unknown as { _socket: Duplex })._socket.write(Buffer.from([0x85, 0]));
    expect((await thrown).message).toBe('Invalid WebSocket frame: invalid opcode 5');
  });

  it('ends its writing side when the socket is gone without having finished; that of ws never ends', async () => {
    const { client } = await pair();
    const duplex = create(client);
    const log = record(duplex, client);
    duplex.resume();
    client.terminate();
    await once(client, 'close');
    duplex.end();
    await wait(20);
    expect(log).toEqual(name === 'ws' ? ['ws 1006', 'end'] : ['ws 1006', 'end', 'finish', 'close']);
  });
});
