// `startHub` opens a hub on a Unix socket, which relays topics between the processes of one machine and keeps their history.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { HistoryLimits, Recovery } from '../broker.js';
import { MemoryHistory } from '../memory-broker.js';
import { readHistory } from '../options.js';
import {
  decodeOffset,
  encodeFrame,
  encodePlace,
  encodeRecovery,
  HubKind,
  MAX_ENTRY,
  MAX_FRAME,
  readFrames,
  type HubFrame,
} from './hub-wire.js';

export interface HubOptions {
  /** The path of the Unix socket, or on Windows the named pipe, that the hub listens on. */
  readonly path: string;
  /** Keep messages, for `after`. */
  readonly history?: Partial<HistoryLimits> | boolean;
}

export interface Hub {
  readonly path: string;
  /** Ends all connections; the processes reconnect when a hub listens again. */
  close(): Promise<void>;
}

/** A process with this many waiting bytes is disconnected; it reconnects and reads the entries that it has missed. */
const WAITING_AT_MOST = 64 * 1024 * 1024;

/** Without history. */
const NONE: Recovery = { epoch: '', last: 0, isWhole: false, entries: [] };

/** One connected process. */
class Peer {
  readonly topics: Set<string> = new Set();
  private answers: (() => Buffer)[] = [];

  constructor(private readonly socket: Socket) {}

  /** Sends a frame, together with the others of this tick in one write. */
  send(frame: Buffer): void {
    const { socket } = this;
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    socket.write(frame);
    if (socket.writableLength > WAITING_AT_MOST) socket.destroy();
  }

  /** Sends a frame that may be long; it is made once those before it have been written. */
  answer(make: () => Buffer): void {
    if (this.socket.writableNeedDrain) this.answers.push(make);
    else this.send(make());
  }

  drained(): void {
    const { answers } = this;
    this.answers = [];
    for (const make of answers) this.answer(make);
  }
}

/** @throws Error when the path is in use; RangeError for a history that cannot be honoured */
export async function startHub({ path, history = false }: HubOptions): Promise<Hub> {
  const subscribers = new Map<string, Set<Peer>>();
  const kept =
    history === false ? undefined : new MemoryHistory(readHistory(history), (topic) => subscribers.has(topic));
  const sockets = new Set<Socket>();

  const leave = (peer: Peer, topic: string): void => {
    peer.topics.delete(topic);
    const peers = subscribers.get(topic);
    peers?.delete(peer);
    if (peers?.size === 0) subscribers.delete(topic);
  };
  const take = (peer: Peer, { kind, request, topic, body }: HubFrame): void => {
    switch (kind) {
      case HubKind.Subscribe: {
        peer.topics.add(topic);
        const peers = subscribers.get(topic);
        if (peers === undefined) subscribers.set(topic, new Set([peer]));
        else peers.add(peer);
        return;
      }
      case HubKind.Unsubscribe:
        return leave(peer, topic);
      case HubKind.Publish: {
        // A kept entry has memory of its own: the chunk that it came in is longer.
        const place = encodePlace(kept?.add(topic, Buffer.from(body)));
        const frame = encodeFrame(HubKind.Entry, 0, topic, place, body);
        for (const subscriber of subscribers.get(topic) ?? []) subscriber.send(frame);
        return peer.send(encodeFrame(HubKind.Reply, request, '', place));
      }
      case HubKind.Read: {
        const [offset, most = 0] = [decodeOffset(body), decodeOffset(body.subarray(8))];
        const read = (): Recovery => kept?.read(topic, offset, Math.min(most, MAX_ENTRY)) ?? NONE;
        return peer.answer(() => encodeFrame(HubKind.Reply, request, '', encodeRecovery(read())));
      }
      case HubKind.Pulse:
        return peer.send(encodeFrame(HubKind.Reply, request, ''));
      default:
    }
  };
  const server = createServer((socket) => {
    const peer = new Peer(socket);
    readFrames(socket, (frame) => take(peer, frame), MAX_FRAME);
    sockets.add(socket);
    socket.on('drain', () => peer.drained());
    // 'close' follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      for (const topic of peer.topics) leave(peer, topic);
    });
  });
  await listen(server, path);
  return {
    path,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Listens at a path. A file that a killed hub left behind is removed; one that another process listens at stays. */
async function listen(server: Server, path: string): Promise<void> {
  server.listen(path);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || (await answers(path))) throw error;
    await unlink(path);
    server.listen(path);
    await once(server, 'listening');
  }
}

/** Whether a process listens at a path. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'));
  });
}
