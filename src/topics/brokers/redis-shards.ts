// `Shards` subscribes to the channels of a Redis Cluster at the node of each, and reports when a node goes away.
import type { Connection, ShardNode } from './redis-clients.js';

interface Shard {
  readonly connection: Connection;
  readonly slots: readonly [number, number][];
  isUp: boolean;
  /** A channel in a slot of this node, once found. */
  own: string[] | undefined;
}

type Listener = (channel: string, message: Buffer) => void;

const SLOTS = 16384;
/** Among this many channels one is in a slot of a node, unless the node has almost none. */
const TRIES = 2000;
/** The interval at which the cluster is asked for its nodes while one is away, in ms. */
const AGAIN = 500;

export class Shards implements Connection {
  private shards = new Map<string, Shard>();
  private up: (() => void) | undefined;
  private down: ((reason: Error) => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private opened: Promise<void> | undefined;
  private isEnded = false;

  constructor(private readonly masters: () => Promise<ShardNode[]>) {}

  call(): never {
    throw new Error('Shards only subscribe');
  }

  duplicate(): never {
    throw new Error('Shards have no duplicate');
  }

  watch(up: () => void, down: (reason: Error) => void): () => void {
    [this.up, this.down] = [up, down];
    return () => ([this.up, this.down] = [undefined, undefined]);
  }

  async open(): Promise<void> {
    this.opened = this.refresh();
    try {
      await this.opened;
    } catch (error) {
      this.later();
      throw error;
    }
  }

  end(): void {
    this.isEnded = true;
    clearTimeout(this.timer);
    for (const { connection } of this.shards.values()) connection.end();
  }

  channels(channelOf: (text: string) => string): string[] {
    return [...this.shards.values()].flatMap((shard) => {
      shard.own ??= Array.from({ length: TRIES }, (_, number) => channelOf(String(number)));
      const channel = shard.own.find((name) => holds(shard.slots, slotOf(tagOf(name))));
      // A prefix with braces puts all channels into one slot.
      shard.own = channel === undefined ? [] : [channel];
      return shard.own;
    });
  }

  async subscribe(channels: string[], listener: Listener): Promise<void> {
    await this.each(channels, (connection, some) => connection.subscribe(some, listener));
  }

  async unsubscribe(channels: string[]): Promise<void> {
    await this.each(channels, (connection, some) => connection.unsubscribe(some));
  }

  /** One command takes the channels of one slot. */
  private async each(
    channels: string[],
    apply: (connection: Connection, some: string[]) => Promise<unknown>,
  ): Promise<void> {
    // Before that no node is known.
    await this.opened?.catch(() => undefined);
    const bySlot = new Map<number, string[]>();
    for (const channel of channels) {
      const slot = slotOf(tagOf(channel));
      const some = bySlot.get(slot);
      if (some === undefined) bySlot.set(slot, [channel]);
      else some.push(channel);
    }
    const shards = [...this.shards.values()];
    await Promise.all(
      [...bySlot].map(async ([slot, some]) => {
        const shard = shards.find(({ slots }) => holds(slots, slot));
        if (shard === undefined) {
          this.later();
          throw new Error(`No node of the cluster has slot ${slot}`);
        }
        await apply(shard.connection, some);
      }),
    );
  }

  /** Asks which master has which slots, and connects to new ones. */
  private async refresh(): Promise<void> {
    const found = await Promise.all((await this.masters()).map(async (node) => ({ node, ...(await describe(node)) })));
    if (this.isEnded) return;
    const there = new Set(found.map(({ id }) => id));
    // The client may have dropped a node that is away. Without this error, its channels would have no subscriber later.
    if (there.size === 0 || found.some(({ owners }) => owners.some((id) => !there.has(id)))) {
      throw new Error('A node of the cluster is away');
    }
    const shards = new Map<string, Shard>();
    const opened: Promise<unknown>[] = [];
    for (const { node, id, slots } of found) {
      const known = this.shards.get(id);
      // A master without slots relays nothing.
      if (slots.length === 0 || shards.has(id)) continue;
      const connection = known?.connection ?? node.subscriber();
      const shard: Shard = { connection, slots, isUp: known?.isUp ?? false, own: undefined };
      shards.set(id, shard);
      if (known === undefined) opened.push(this.connect(id, shard.connection));
    }
    for (const [id, { connection }] of this.shards) if (!shards.has(id)) connection.end();
    this.shards = shards;
    await Promise.all(opened);
  }

  private connect(id: string, connection: Connection): Promise<unknown> {
    // Kept for good: a late error would end the process.
    connection.watch(
      () => this.change(id, connection, true, undefined),
      (reason) => this.change(id, connection, false, reason),
      () => {
        this.down?.(new Error('Slots of the cluster have moved'));
        this.later();
      },
    );
    return connection.open();
  }

  private change(id: string, connection: Connection, isUp: boolean, reason: Error | undefined): void {
    const shard = this.shards.get(id);
    if (shard?.connection !== connection || this.isEnded) return;
    shard.isUp = isUp;
    if (reason !== undefined) {
      this.down?.(reason);
      this.later();
    } else this.tellUp();
  }

  private tellUp(): void {
    if ([...this.shards.values()].every(({ isUp }) => isUp)) this.up?.();
  }

  /** After a node has gone, another may have its slots. */
  private async again(): Promise<void> {
    this.timer = undefined;
    if (this.isEnded) return;
    try {
      await this.refresh();
      this.tellUp();
    } catch {
      // The cluster does not answer yet.
      this.later();
    }
  }

  private later(): void {
    if (!this.isEnded) this.timer ??= setTimeout(() => void this.again(), AGAIN).unref();
  }
}

/** The name of a node, its slots, and the names of all nodes that have slots. */
async function describe({ asks }: ShardNode): Promise<{ id: string; slots: [number, number][]; owners: string[] }> {
  const [name, reply] = await Promise.all([asks.call(['CLUSTER', 'MYID']), asks.call(['CLUSTER', 'SLOTS'])]);
  const id = String(name);
  const ranges = reply as [number, number, [unknown, unknown, unknown]][];
  const owners = ranges.map(([, , node]) => String(node[2]));
  const own = ranges.filter((_, index) => owners[index] === id);
  return { id, slots: own.map(([first, last]) => [first, last]), owners };
}

function holds(slots: readonly [number, number][], slot: number): boolean {
  return slots.some(([first, last]) => slot >= first && slot <= last);
}

/** The part of a channel's name that decides its slot: between the first brace and its closing one. */
function tagOf(channel: string): string {
  const start = channel.indexOf('{');
  const end = channel.indexOf('}', start + 1);
  return start === -1 || end <= start + 1 ? channel : channel.slice(start + 1, end);
}

/** CRC-16/XMODEM of the bytes, as Redis Cluster's specification says. */
function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % SLOTS;
}
