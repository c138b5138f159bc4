/** Streams, handles and senders that the application has changed see the sends one by one, and the peer sees them right. */
import type http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { encodeFrame, type RawPeer } from '../../support/raw-peer.js';
import { contract, event, listenHttp, messages, ownedServer, rawClient, rawRequest, turn } from './harness.js';
import type { Client, Implementation } from './implementations.js';

const BURST = 8;
const range = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));
const frames = (payloads: readonly string[], masked = true): Buffer =>
  Buffer.concat(payloads.map((payload) => encodeFrame({ payload, masked })));
const OPTIONS = { maxPayload: 1000, skipUTF8Validation: false, allowSynchronousEvents: true, autoPong: true };

async function texts(peer: RawPeer, count: number): Promise<string[]> {
  const list: string[] = [];
  while (list.length < count) list.push((await peer.readFrame()).payload.toString());
  return list;
}

/** A server's connection with its socket, which `wrap` may stand something before. */
async function connected(
  implementation: Implementation,
  wrap: (socket: net.Socket) => net.Socket = (socket) => socket,
): Promise<{ ws: Client; socket: net.Socket; peer: RawPeer }> {
  const { server, port } = await listenHttp();
  const wss = ownedServer(new implementation.WebSocketServer({ noServer: true }));
  let socket: net.Socket;
  const opened = new Promise<Client>((resolve) => {
    server.on('upgrade', (request: http.IncomingMessage, given: Duplex, head: Buffer) => {
      socket = given as net.Socket;
      wss.handleUpgrade(request, wrap(socket), head, resolve);
    });
  });
  const peer = rawRequest(port);
  const ws = await opened;
  await peer.readHead();
  return { ws, socket: socket!, peer };
}

type SendFrame = (list: Uint8Array[], callback?: (error?: Error | null) => void) => void;

/** Puts a function of the application's in the place of `sendFrame`. */
function wrapSender(ws: Client, make: (own: SendFrame) => SendFrame): void {
  const { _sender: sender } = ws as unknown as { _sender: { sendFrame: SendFrame } };
  sender.sendFrame = make(sender.sendFrame.bind(sender));
}

contract('odd streams', (implementation) => {
  it('a handle made in JavaScript, which keeps the memory that it is given: no byte of another connection', async () => {
    const kept: Uint8Array[] = [];
    const handle = {
      readStart: () => 0,
      readStop: () => 0,
      close: (callback: () => void) => void setImmediate(callback),
      writeBuffer: (_request: object, bytes: Uint8Array) => {
        kept.push(bytes);
        return 0;
      },
      writev: (_request: object, chunks: Uint8Array[]) => {
        kept.push(...chunks);
        return 0;
      },
    };
    const socket = new net.Socket({ handle } as never);
    onTestFinished(() => void socket.destroy());
    const ws = new implementation.WebSocket(null, undefined, OPTIONS);
    ws.on('error', () => {});
    ws.setSocket(socket, Buffer.alloc(0), OPTIONS);
    const other = await rawClient(implementation);
    for (let i = 0; i < 4; i++) {
      ws.send(Buffer.from(`own ${i}`));
      other.ws.send(Buffer.from(`not ${i}`));
      await turn();
    }
    await texts(other.peer, 4);
    const text = Buffer.concat(kept).toString('latin1');
    for (let i = 0; i < 4; i++) expect(text).toContain(`own ${i}`);
    expect(text).not.toContain('not');
  });

  it('a wrapped sendFrame is called at each send, with its callback, also while messages are dispatched', async () => {
    const { ws, peer } = await connected(implementation);
    const log: string[] = [];
    wrapSender(ws, (own) => (list, callback) => {
      log.push(callback === undefined ? 'frame' : 'told');
      own(list, callback);
    });
    for (const text of range(BURST)) {
      ws.send(text, () => {});
      log.push('sent');
    }
    expect(log).toEqual(range(BURST).flatMap(() => ['told', 'sent']));
    expect(await texts(peer, BURST)).toEqual(range(BURST));
    log.length = 0;
    ws.on('message', (data: Buffer) => {
      ws.send(data);
      log.push('sent');
    });
    peer.write(frames(range(BURST)));
    expect(await texts(peer, BURST)).toEqual(range(BURST));
    expect(log).toEqual(range(BURST).flatMap(() => ['frame', 'sent']));
  });

  it('a wrapped sendFrame that throws: that send throws, and the others go on', async () => {
    const { ws, peer } = await connected(implementation);
    let calls = 0;
    wrapSender(ws, (own) => (list, callback) => {
      if (++calls === 5) throw new Error('planted');
      own(list, callback);
    });
    const thrown: string[] = [];
    for (const text of range(BURST)) {
      try {
        ws.send(text);
      } catch {
        thrown.push(text);
      }
    }
    expect(thrown).toEqual(['4']);
    expect(await texts(peer, BURST - 1)).toEqual(range(BURST).filter((text) => text !== '4'));
    expect(ws.readyState).toBe(ws.OPEN);
  });

  it('sends between cork() and uncork(): the kernel has them all when uncork() returns', async () => {
    const { ws, socket, peer } = await connected(implementation);
    const dispatched = (): number => (socket as unknown as { _bytesDispatched: number })._bytesDispatched;
    const before = dispatched();
    socket.cork();
    for (const text of range(BURST)) ws.send(text);
    expect(dispatched()).toBe(before);
    socket.uncork();
    expect(dispatched() - before).toBe(frames(range(BURST), false).length);
    expect(await texts(peer, BURST)).toEqual(range(BURST));
  });

  it('a socket.write set after many sends, which queues: raw writes keep their place', async () => {
    const { ws, socket, peer } = await connected(implementation);
    for (const text of range(BURST)) ws.send(text);
    await texts(peer, BURST);
    const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
    socket.write = (...given: unknown[]) => {
      setImmediate(() => write(...given));
      return true;
    };
    for (const text of range(BURST)) ws.send(text);
    socket.write(frames(['raw'], false));
    ws.send('after');
    expect(await texts(peer, BURST + 2)).toEqual([...range(BURST), 'raw', 'after']);
  });

  it('a socket.write that drops its callback: sends arrive, before and after the peer has stalled', async () => {
    const { ws, socket, peer } = await connected(implementation);
    const write = socket.write.bind(socket) as (chunk: unknown) => boolean;
    socket.write = (chunk: unknown) => write(chunk);
    peer.socket.pause();
    const long = Buffer.alloc(1024 * 1024, 'x');
    for (let i = 0; i < 8; i++) ws.send(long);
    for (const text of range(BURST)) ws.send(text);
    peer.socket.resume();
    expect((await texts(peer, 8 + BURST)).slice(8)).toEqual(range(BURST));
    peer.send({ opcode: 9, payload: 'ping' });
    for (const text of range(BURST)) ws.send(text);
    expect((await texts(peer, BURST + 1)).filter((text) => text !== 'ping')).toEqual(range(BURST));
  });

  it('a socket.write that throws while messages are dispatched: each send throws to its handler', async () => {
    const { ws, socket, peer } = await connected(implementation);
    const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
    let isBroken = false;
    socket.write = (...given: unknown[]) => {
      if (isBroken) throw new Error('planted');
      return write(...given);
    };
    const thrown: string[] = [];
    const all = new Promise<void>((resolve) => {
      ws.on('message', (data: Buffer) => {
        const text = data.toString();
        isBroken = Number(text) >= 4;
        try {
          ws.send(data);
        } catch {
          thrown.push(text);
        }
        if (text === String(BURST - 1)) resolve();
      });
    });
    peer.write(frames(range(BURST)));
    await all;
    await turn();
    expect(thrown).toEqual(range(BURST).slice(4));
    expect(ws.readyState).toBe(ws.OPEN);
  });

  it('a Proxy of a socket: messages, sends, raw writes on either of the two, and the end', async () => {
    let proxy: net.Socket;
    const { ws, socket, peer } = await connected(implementation, (given) => (proxy = new Proxy(given, {})));
    ws.on('message', (data: Buffer) => ws.send(data));
    peer.write(frames(range(BURST)));
    expect(await texts(peer, BURST)).toEqual(range(BURST));
    for (const text of range(BURST)) ws.send(text);
    proxy!.write(frames(['proxy'], false));
    for (const text of range(BURST)) ws.send(text);
    socket.write(frames(['socket'], false));
    expect(await texts(peer, 2 * BURST + 2)).toEqual([...range(BURST), 'proxy', ...range(BURST), 'socket']);
    const closed = event(ws, 'close');
    peer.socket.destroy();
    expect((await closed)[0]).toBe(1006);
  });

  it("'readable' and read() of the application's see every byte, and messages come", async () => {
    const { ws, socket, peer } = await connected(implementation);
    const started = messages(ws, 1);
    peer.send({ payload: 'start' });
    await started;
    let seen = 0;
    socket.on('readable', () => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        seen += chunk.length;
      }
    });
    const got = messages(ws, BURST);
    const bytes = frames(range(BURST));
    peer.write(bytes);
    expect((await got).map(({ data }) => data.toString())).toEqual(range(BURST));
    await turn();
    expect(seen).toBe(bytes.length);
  });

  it("a 'readable' listener that reads nothing, taken away again: messages come in order", async () => {
    const { ws, socket, peer } = await connected(implementation);
    const started = messages(ws, 1);
    peer.send({ payload: 'start' });
    await started;
    const nothing = (): void => {};
    const got = messages(ws, 3);
    socket.on('data', nothing);
    socket.on('readable', nothing);
    await turn();
    const end = socket.bytesRead + frames(['1', '2']).length;
    const readable = event(socket, 'readable');
    peer.write(frames(['1']));
    await readable;
    socket.removeListener('data', nothing);
    peer.write(frames(['2']));
    while (socket.bytesRead < end) await turn();
    socket.removeListener('readable', nothing);
    await turn();
    peer.write(frames(['3']));
    expect((await got).map(({ data }) => data.toString())).toEqual(['1', '2', '3']);
  });
});
