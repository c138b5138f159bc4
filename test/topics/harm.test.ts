// What a caller's own code throws, and what an engine loses, harms nothing but what it concerns.
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { EntryDraft } from '../../src/topics/entry.js';
import { Topics } from '../../src/topics/index.js';
import { FakeSocket } from './model.js';
import { ScriptedBroker } from './scripted.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test.each([true, false])(
  'subscribing resolves when the subscription ends before the broker has confirmed, history: %s',
  async (keepsHistory) => {
    const broker = new ScriptedBroker(keepsHistory);
    broker.isPatient = true;
    const topics = new Topics({ broker, checkInterval: 0 });
    const [one, two, three] = [new FakeSocket(), new FakeSocket(), new FakeSocket()];
    const results = [
      topics.subscribe(one, 'a'),
      topics.subscribe(two, 'a', { after: '3.e' }),
      topics.subscribe(three, 'a'),
    ];
    await turn();
    topics.unsubscribe(one, 'a');
    two.finish();
    const ended = { recovered: false, position: '' };
    expect(await Promise.all(results.slice(0, 2))).toEqual([ended, ended]);
    await topics.close();
    expect(await results[2]).toEqual({ recovered: false, position: '' });
  },
);

test('the socket that a message excepts does not get it when the engine has it although it seemed to refuse', async () => {
  const broker = new ScriptedBroker(true);
  const topics = new Topics({ broker, checkInterval: 0 });
  const [author, other] = [new FakeSocket(), new FakeSocket()];
  await Promise.all([topics.subscribe(author, 'a'), topics.subscribe(other, 'a')]);
  broker.isPatient = true;
  const published = topics.publish('a', 'x', { except: author });
  await turn();
  // The connection is cut before the answer.
  broker.listener.down(new Error('cut'));
  broker.waiting[0].reject(new Error('cut'));
  await expect(published).rejects.toMatchObject({ mayBeAccepted: true });
  broker.isPatient = false;
  broker.recovery = { epoch: 'e', last: 1, isWhole: true, entries: [{ offset: 1, entry: broker.entries[0] }] };
  broker.listener.up();
  await vi.waitUntil(() => other.received.length > 0);
  expect([author.received, other.received]).toEqual([[], ['x']]);
});

test('excepted sockets are remembered for all entries that an engine has yet to answer', async () => {
  const broker = new ScriptedBroker(true);
  const topics = new Topics({ broker, checkInterval: 0 });
  const [author, other] = [new FakeSocket(), new FakeSocket()];
  await Promise.all([topics.subscribe(author, 'a'), topics.subscribe(other, 'a')]);
  broker.isPatient = true;
  for (let entry = 0; entry <= 10_000; entry++) {
    void topics.publish('a', 'x', { except: author });
    await Promise.resolve();
  }
  broker.waiting.forEach((answer) => answer.resolve(undefined as never));
  for (const [index, entry] of broker.entries.entries()) {
    broker.listener.entry('a', entry, { epoch: 'e', offset: index + 1 });
  }
  expect([author.received.length, other.received.length]).toEqual([0, 10_001]);
});

test('without history a socket that a message excepts is not kept in memory', async () => {
  const topics = new Topics({ broker: new ScriptedBroker(), checkInterval: 0 });
  const excepted = await (async () => {
    const socket = new FakeSocket();
    await topics.publish('a', 'x', { except: socket });
    return new WeakRef(socket);
  })();
  await vi.waitUntil(async () => {
    await turn();
    collect();
    return excepted.deref() === undefined;
  });
});

test.each([undefined, {}])(
  'an envelope that throws harms no other message of its tick, history: %o',
  async (history) => {
    const errors: unknown[] = [];
    const topics = new Topics({
      history,
      envelope({ data }) {
        if (data === 'odd') throw new Error('no envelope');
        return data === 'strange' ? (Promise.resolve('x') as never) : `<${data.toString()}>`;
      },
    });
    topics.on('deliveryError', (error: Error) => errors.push(error.constructor));
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const [socket] = (await once(server, 'connection')) as [WebSocket];
    const received: string[] = [];
    client.on('message', (data: Buffer) => received.push(data.toString()));
    try {
      const { position } = await topics.subscribe(socket, 'a');
      // Without history, messages come alone where a socket is not of this package.
      const author = new FakeSocket();
      if (history !== undefined) await topics.subscribe(author, 'a');
      for (const text of ['1', 'odd', '2', 'strange', '3']) {
        void topics.publish('a', text, text === '2' ? { except: author } : {});
      }
      await vi.waitUntil(() => received.length >= 3);
      expect(errors).toEqual([Error, TypeError]);
      const due = history === undefined ? 3 : 5;
      expect(topics.statistics).toMatchObject({ published: 5, due, delivered: due, skipped: 0 });
      expect(received).toEqual(['<1>', '<2>', '<3>']);
      if (history === undefined) return;
      expect(author.received).toEqual(['<1>', '<3>']);
      const late = new FakeSocket();
      expect(await topics.subscribe(late, 'a', { after: position })).toMatchObject({ recovered: true });
      expect(late.received).toEqual(['<1>', '<2>', '<3>']);
      expect(topics.statistics.recovered).toBe(3);
    } finally {
      client.terminate();
      server.close();
    }
  },
);

describe('a listener that throws', () => {
  const thrown: string[] = [];
  let listeners: NodeJS.UncaughtExceptionListener[];

  beforeEach(() => {
    thrown.length = 0;
    listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', ({ message }) => thrown.push(message));
  });

  afterEach(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });

  test('at deliveryError keeps no message from others, and no later one from its socket', async () => {
    const topics = new Topics({ history: {} });
    topics.on('deliveryError', ({ message }: Error) => {
      throw new Error(`listener of ${message}`);
    });
    const [odd, sound, late] = [new FakeSocket(), new FakeSocket(), new FakeSocket()];
    odd.onSend = late.onSend = (text) => {
      if (text === '1') throw new Error('send');
    };
    const { position } = await topics.subscribe(odd, 'a');
    await topics.subscribe(sound, 'a');
    await topics.publish('a', '1');
    await turn();
    await topics.subscribe(late, 'a', { after: position });
    await topics.publish('a', '2');
    await turn();
    for (const socket of [odd, sound, late]) expect(socket.received).toEqual(['1', '2']);
    expect(topics.statistics).toMatchObject({ due: 6, delivered: 4, skipped: 2 });
    expect(thrown).toEqual(['listener of send', 'listener of send']);
  });

  test('at the events of the engine lets topics go on', async () => {
    const broker = new ScriptedBroker(true);
    const topics = new Topics({ broker, checkInterval: 0 });
    for (const event of ['brokerDown', 'brokerUp', 'gap']) {
      topics.on(event, () => {
        throw new Error(event);
      });
    }
    const socket = new FakeSocket();
    await topics.subscribe(socket, 'a');
    broker.listener.down(new Error('away'));
    broker.recovery = { epoch: 'f', last: 7, isWhole: false, entries: [] };
    broker.listener.up();
    await turn();
    const draft = new EntryDraft();
    draft.add('x', 1, false, false);
    broker.listener.entry('a', draft.encode(Buffer.alloc(8, 1), 1), { epoch: 'f', offset: 8 });
    await turn();
    expect(socket.received).toEqual(['x']);
    expect(thrown).toEqual(['brokerDown', 'brokerUp', 'gap']);
  });
});

test('a socket that throws while it is slow is counted once, and gets messages again', async () => {
  const failures: string[] = [];
  const closing = new Topics({ slow: { limit: 10, policy: 'close' } });
  closing.on('deliveryError', ({ message }: Error) => failures.push(message));
  const odd = new FakeSocket();
  odd.waiting = 11;
  odd.close = () => {
    throw new Error('close');
  };
  await closing.subscribe(odd, 'a');
  void closing.publish('a', '1');
  void closing.publish('a', '2');
  expect(closing.statistics).toMatchObject({ subscriptions: 0, due: 1, closedForSlowness: 1, skipped: 0 });

  const skipping = new Topics({ slow: { limit: 10, policy: 'skip' } });
  skipping.on('deliveryError', ({ message }: Error) => failures.push(message));
  const socket = new FakeSocket();
  await skipping.subscribe(socket, 'a');
  socket.waiting = 11;
  socket.onSend = () => {
    throw new Error('send');
  };
  // Its callback is not called.
  socket.callbacks.push = () => 0;
  void skipping.publish('a', '1');
  socket.waiting = 0;
  socket.onSend = undefined;
  await turn();
  void skipping.publish('a', '2');
  expect(socket.received).toEqual(['1', '2']);
  expect(skipping.statistics).toMatchObject({ due: 2, delivered: 1, skipped: 1 });
  expect(failures).toEqual(['close', 'send']);
});

test('a topic that a socket leaves while it is sent what was kept for it is not sent', async () => {
  const topics = new Topics({ slow: { limit: 10, policy: 'latest' } });
  const socket = new FakeSocket();
  for (const topic of ['a', 'b', 'c']) await topics.subscribe(socket, topic);
  socket.waiting = 11;
  for (const text of ['1', '2']) for (const topic of ['a', 'b', 'c']) void topics.publish(topic, topic + text);
  await turn();
  socket.onSend = (text) => {
    if (text === 'a2') topics.unsubscribe(socket, 'b');
  };
  socket.drain();
  expect(socket.received).toEqual(['a1', 'a2', 'c2']);
  expect(topics.statistics).toMatchObject({ due: 6, delivered: 3, skipped: 3 });
});

test('an ArrayBuffer of another realm is data as any other', async () => {
  const topics = new Topics();
  const socket = new FakeSocket();
  await topics.subscribe(socket, 'a');
  await topics.publish('a', runInNewContext('Uint8Array.of(104, 105).buffer') as ArrayBuffer);
  expect(socket.received).toEqual(['hi']);
});

test('what an engine’s client still holds counts to what waits, after its time too', async () => {
  const broker = new ScriptedBroker();
  broker.isPatient = true;
  const topics = new Topics({ broker, checkInterval: 0, publishTimeout: 20, maxWaiting: 100 });
  const publish = (): Promise<string> =>
    topics.publish('a', 'x'.repeat(60)).catch(({ code }: { code: string }) => code);
  expect(await publish()).toBe('WS_ERR_PUBLISH_TIMEOUT');
  expect(await publish()).toBe('WS_ERR_PUBLISH_FULL');
  broker.waiting[0].reject(new Error('late'));
  await turn();
  expect(await publish()).toBe('WS_ERR_PUBLISH_TIMEOUT');
  expect(await publish()).toBe('WS_ERR_PUBLISH_FULL');
  // An answer may be lost; one to a later entry says that nothing waits before it.
  const later = topics.publish('a', 'y');
  await turn();
  broker.waiting.at(-1)!.resolve(undefined as never);
  await later;
  expect(await publish()).toBe('WS_ERR_PUBLISH_TIMEOUT');
  broker.listener.down(new Error('away'));
  broker.isPatient = false;
  broker.listener.up();
  expect(await publish()).toBe('');
});

test('what one node of a cluster holds is counted while another answers, until all have relayed a message', async () => {
  const broker = new ScriptedBroker();
  const answered: (() => void)[] = [];
  broker.publish = (topic) => (topic === 'stalled' ? new Promise(() => undefined) : Promise.resolve(undefined));
  broker.pulse = () => new Promise((resolve) => answered.push(resolve));
  const topics = new Topics({ broker, checkInterval: 1000, publishTimeout: 20, maxWaiting: 100 });
  const publish = (topic: string): Promise<string> =>
    topics.publish(topic, 'x'.repeat(60)).catch(({ code }: { code: string }) => code);
  expect(await publish('stalled')).toBe('WS_ERR_PUBLISH_TIMEOUT');
  expect(await publish('other')).toBe('WS_ERR_PUBLISH_FULL');
  expect(await topics.publish('other', 'y')).toBe('');
  expect(await publish('stalled')).toBe('WS_ERR_PUBLISH_FULL');
  await vi.waitUntil(() => answered.length > 0, 10_000);
  answered[0]();
  await turn();
  expect(await publish('stalled')).toBe('WS_ERR_PUBLISH_TIMEOUT');
  await topics.close();
});

test('what waits for an engine that is away is not kept in memory once it has been rejected', async () => {
  const broker = new ScriptedBroker();
  const topics = new Topics({ broker, checkInterval: 0, publishTimeout: 20 });
  broker.listener.down(new Error('away'));
  const excepted = await (async () => {
    const socket = new FakeSocket();
    await topics.publish('a', 'x', { except: socket }).catch(() => undefined);
    return new WeakRef(socket);
  })();
  await vi.waitUntil(async () => {
    await turn();
    collect();
    return excepted.deref() === undefined;
  });
  broker.listener.up();
  expect(broker.calls).toEqual([]);
});

test('a socket has one listener for all topics, which leaves each of them', async () => {
  const socket = new FakeSocket();
  const all = Array.from({ length: 11 }, () => new Topics());
  for (const topics of all) await topics.subscribe(socket, 'a');
  expect(socket.listenerCount('close')).toBe(1);
  await all[0].close();
  socket.finish();
  expect(all.map((topics) => topics.subscriberCount('a'))).toEqual(all.map(() => 0));
  const again = new FakeSocket();
  for (const topics of all.slice(1)) await topics.subscribe(again, 'a');
  for (const topics of all.slice(1)) await topics.close();
  expect(again.listenerCount('close')).toBe(0);
});

test('close() resolves for each caller once all is done, and leaves no listeners on sockets', async () => {
  const broker = new ScriptedBroker();
  const topics = new Topics({ broker, checkInterval: 0 });
  const socket = new FakeSocket();
  await topics.subscribe(socket, 'a');
  expect(socket.listenerCount('close')).toBe(1);
  broker.isPatient = true;
  void topics.publish('a', 'x');
  const closed: number[] = [];
  for (const caller of [1, 2]) void topics.close().then(() => closed.push(caller));
  await turn();
  expect(closed).toEqual([]);
  broker.waiting[0].resolve(undefined as never);
  await turn();
  expect(closed).toEqual([1, 2]);
  expect(socket.listenerCount('close')).toBe(0);
});

test('one who traces subscriptions and subscribes the same makes no second one', async () => {
  const topics = new Topics();
  const socket = new FakeSocket();
  const traced = channel('wsimd:topics:subscribe');
  const again = (): void => void topics.subscribe(socket, 'a');
  traced.subscribe(again);
  try {
    await topics.subscribe(socket, 'a');
  } finally {
    traced.unsubscribe(again);
  }
  expect(topics.statistics.subscriptions).toBe(1);
});
