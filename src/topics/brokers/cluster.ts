// `clusterBroker` relays topics between the processes and threads of one machine through a hub, which `startHub` opens.
import { Buffer } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import type { Broker, BrokerListener, Recovery } from '../broker.js';
import type { Place } from '../position.js';
import {
  decodePlace,
  decodeRecovery,
  encodeFrame,
  encodeOffset,
  HubKind,
  MAX_ENTRY,
  readFrames,
  type HubFrame,
} from './hub-wire.js';

export { startHub, type Hub, type HubOptions } from './hub.js';

// Out: the entry of a tick -> one frame; all frames of a tick leave in one write of the Unix socket.
// In:  the hub's frame -> its topic, its place where the hub keeps history, and the entry.
// Gap: the socket reconnects, all topics are subscribed again, and each is read from its last place on.

export interface ClusterBrokerOptions {
  /** The path that the hub listens at. */
  readonly path: string;
  /** Whether the hub keeps history. */
  readonly history?: boolean;
}

interface Request {
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/** The delay before the hub is tried again, in ms. */
const AGAIN = 100;

class ClusterBroker implements Broker {
  readonly keepsHistory: boolean;
  readonly maxEntry: number = MAX_ENTRY;
  private readonly path: string;
  private listener: BrokerListener | undefined;
  private socket: Socket | undefined;
  private isClosed = false;
  private isTicking = false;
  private latest = 0;
  private readonly requests = new Map<number, Request>();

  constructor({ path, history = false }: ClusterBrokerOptions) {
    this.path = path;
    this.keepsHistory = history;
  }

  start(listener: BrokerListener): void {
    this.listener = listener;
    this.connect();
  }

  subscribe(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.write(encodeFrame(HubKind.Subscribe, 0, topic));
    // Answered after them.
    return this.pulse();
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.write(encodeFrame(HubKind.Unsubscribe, 0, topic));
  }

  async publish(topic: string, entry: Uint8Array): Promise<Place | undefined> {
    const [place] = decodePlace(await this.ask(HubKind.Publish, topic, entry));
    return place;
  }

  async read(topic: string, offset: number | undefined, most: number = Infinity): Promise<Recovery> {
    const recovery = decodeRecovery(await this.ask(HubKind.Read, topic, encodeOffset(offset), encodeOffset(most)));
    if (recovery.epoch === '') throw new Error('The hub keeps no history');
    return recovery;
  }

  async pulse(): Promise<void> {
    await this.ask(HubKind.Pulse, '');
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.socket?.destroy();
    return Promise.resolve();
  }

  private connect(): void {
    const socket = connect(this.path);
    let cause: Error | undefined;
    this.socket = socket;
    socket.on('connect', () => this.listener!.up());
    readFrames(socket, this.take);
    socket.on('error', (error) => (cause = error));
    socket.on('close', () => this.lost(cause ?? new Error('The connection to the hub has ended')));
  }

  private lost(cause: Error): void {
    const requests = [...this.requests.values()];
    this.requests.clear();
    if (!this.isClosed) {
      this.listener!.down(cause);
      setTimeout(() => this.again(), AGAIN).unref();
    }
    for (const { reject } of requests) reject(cause);
  }

  private again(): void {
    if (!this.isClosed) this.connect();
  }

  private readonly take = ({ kind, request, topic, body }: HubFrame): void => {
    if (this.isClosed) return;
    if (kind === HubKind.Entry) {
      const [place, end] = decodePlace(body);
      this.listener!.entry(topic, body.subarray(end), place);
    } else if (kind === HubKind.Reply) {
      this.requests.get(request)?.resolve(body);
      this.requests.delete(request);
    }
  };

  private ask(kind: HubKind, topic: string, ...parts: readonly Uint8Array[]): Promise<Buffer> {
    const request = (this.latest = (this.latest + 1) % 2 ** 32);
    return new Promise((resolve, reject) => {
      if (this.socket === undefined || this.socket.destroyed) {
        reject(new Error('There is no connection to the hub'));
        return;
      }
      this.requests.set(request, { resolve, reject });
      this.write(encodeFrame(kind, request, topic, ...parts));
    });
  }

  /** Writes a frame, together with the others of this tick in one write. */
  private write(frame: Buffer): void {
    const { socket } = this;
    if (socket === undefined || socket.destroyed) return;
    if (!this.isTicking) {
      this.isTicking = true;
      socket.cork();
      process.nextTick(() => {
        this.isTicking = false;
        socket.uncork();
      });
    }
    socket.write(frame);
  }
}

/** A broker through a hub; it reconnects whenever the hub was lost. */
export function clusterBroker(options: ClusterBrokerOptions): Broker {
  return new ClusterBroker(options);
}
