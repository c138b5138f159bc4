// `Shards` over scripted nodes of a cluster: a node that is away is waited for, also where the cluster's client has forgotten it.
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Connection, ShardNode } from '../../src/topics/brokers/redis-clients.js';
import { Shards } from '../../src/topics/brokers/redis-shards.js';

type Watch = Parameters<Connection['watch']>;

const refused = (): never => expect.unreachable();
const NOTHING: Connection = {
  call: refused,
  subscribe: refused,
  unsubscribe: refused,
  watch: refused,
  duplicate: refused,
  open: refused,
  end: refused,
  channels: refused,
};

/** Two masters, a and b, with half of the slots each; the slot of the channel {:a} is with one, that of {:b} with the other. */
const RANGES = [
  [0, 8191, ['127.0.0.1', 1, 'a']],
  [8192, 16383, ['127.0.0.1', 2, 'b']],
];
/** What the nodes answer about their slots. */
let ranges = RANGES;

/** A master; `events` gets what is done with the connection that subscribes there. */
class Node implements ShardNode {
  up = (): void => undefined;
  down: Watch[1] = () => undefined;
  readonly asks: Connection;

  constructor(
    private readonly id: string,
    private readonly events: string[],
  ) {
    const call = ([, what]: readonly (string | Buffer)[]): Promise<unknown> =>
      Promise.resolve(what === 'MYID' ? id : ranges);
    this.asks = { ...NOTHING, call };
  }

  subscriber(): Connection {
    const note = (event: string): Promise<void> => Promise.resolve(void this.events.push(`${event} at ${this.id}`));
    return {
      ...NOTHING,
      subscribe: (channels) => note(`subscribe ${channels.join()}`),
      watch: (up, down) => {
        [this.up, this.down] = [up, down];
        return () => undefined;
      },
      open: () => Promise.resolve().then(() => this.up()),
      end: () => void note('end'),
    };
  }
}

describe('the shards of a cluster', () => {
  let events: string[];
  let a: Node;
  let b: Node;
  /** The masters that the cluster's client knows. */
  let known: Node[];
  let shards: Shards;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    events = [];
    ranges = RANGES;
    [a, b] = [new Node('a', events), new Node('b', events)];
    known = [a, b];
    shards = new Shards(() => Promise.resolve(known));
    shards.watch(
      () => events.push('up'),
      ({ message }) => events.push(message),
    );
  });
  const subscribe = (channel: string): Promise<unknown> => shards.subscribe([channel], () => undefined);

  test('wait for their opening where topics are subscribed at once', async () => {
    void shards.open();
    await Promise.all([subscribe('{:a}'), subscribe('{:b}')]);
    expect(events).toEqual(['up', 'subscribe {:a} at a', 'subscribe {:b} at b']);
  });

  test('connect to no node once they have ended', async () => {
    const connecting = vi.spyOn(a, 'subscriber');
    const opened = shards.open();
    shards.end();
    await opened;
    expect(connecting).not.toHaveBeenCalled();
  });

  test.each([[['a']], [[]]])('are not up while the client knows only %j', async (names) => {
    await shards.open();
    known = [a, b].filter((_, index) => names.includes('ab'[index]));
    b.down(new Error('b is away'));
    await vi.advanceTimersByTimeAsync(2000);
    expect(events).toEqual(['up', 'b is away']);
    b.up();
    await subscribe('{:b}');
    expect(events.slice(2)).toEqual(['up', 'subscribe {:b} at b']);
  });

  test('are asked for again after an opening that met no more than a part of the nodes', async () => {
    known = [a];
    await expect(shards.open()).rejects.toThrow('A node of the cluster is away');
    await expect(subscribe('{:b}')).rejects.toThrow('No node of the cluster has slot');
    known = [a, b];
    await vi.advanceTimersByTimeAsync(500);
    await subscribe('{:b}');
    expect([...new Set(events)]).toEqual(['up', 'subscribe {:b} at b']);
  });

  test('are asked for again where no node has the slot of a topic', async () => {
    ranges = RANGES.slice(0, 1);
    await shards.open();
    await expect(subscribe('{:b}')).rejects.toThrow('No node of the cluster has slot');
    ranges = RANGES;
    await vi.advanceTimersByTimeAsync(500);
    await subscribe('{:b}');
    expect([...new Set(events)]).toEqual(['up', 'subscribe {:b} at b']);
  });

  test('leave no refusal of a node unhandled where no node has the slot of another topic', async () => {
    vi.spyOn(a, 'subscriber').mockReturnValue({
      ...NOTHING,
      subscribe: () => Promise.resolve().then(() => Promise.reject(new Error('Connection is closed.'))),
      watch: () => () => undefined,
      open: () => Promise.resolve(),
    });
    ranges = RANGES.slice(0, 1);
    await shards.open();
    const unhandled = vi.fn();
    process.once('unhandledRejection', unhandled);
    onTestFinished(() => void process.off('unhandledRejection', unhandled));
    await expect(shards.subscribe(['{:a}', '{:b}'], () => undefined)).rejects.toThrow();
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
  });
});
