// A history in memory keeps what is young enough, and forgets the rest, also of topics that nobody publishes to any more.
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test, vi } from 'vitest';
import { Topics } from '../../src/topics/index.js';
import { MemoryHistory } from '../../src/topics/memory-broker.js';
import { FakeSocket } from './model.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const DAY = 24 * 60 * 60 * 1000;

afterEach(() => {
  vi.restoreAllMocks();
});

function addTo(history: MemoryHistory, topic: string, count: number): WeakRef<Uint8Array>[] {
  return Array.from({ length: count }, () => {
    const entry = new Uint8Array(8);
    history.add(topic, entry);
    return new WeakRef(entry);
  });
}

test('what silent topics have kept is let go once it is too old, and in time they themselves are', async () => {
  let now = 1e12;
  vi.spyOn(Date, 'now').mockImplementation(() => now);
  const history = new MemoryHistory({ messages: 100, age: 1000 }, (topic) => topic === 'subscribed');
  const entries = [...addTo(history, 'silent', 3), ...addTo(history, 'subscribed', 3)];
  now += 1001;
  addTo(history, 'busy', 20);
  await turn();
  collect();
  expect(entries.filter((entry) => entry.deref() !== undefined)).toEqual([]);
  for (const topic of ['silent', 'subscribed']) {
    expect(history.read(topic, 4)).toMatchObject({ last: 3, isWhole: true, entries: [] });
    expect(history.read(topic, 3)).toMatchObject({ last: 3, isWhole: false });
  }

  const epochs = ['silent', 'subscribed'].map((topic) => history.read(topic, undefined).epoch);
  now += 7 * DAY;
  addTo(history, 'other', 10);
  expect(history.read('silent', undefined)).toMatchObject({
    last: 0,
    epoch: expect.not.stringMatching(epochs[0]) as string,
  });
  expect(history.read('subscribed', 4)).toMatchObject({ last: 3, isWhole: true, epoch: epochs[1] });
});

test('topics that are only read are forgotten in time', () => {
  let now = 1e12;
  vi.spyOn(Date, 'now').mockImplementation(() => now);
  const history = new MemoryHistory({ messages: 100, age: 1000 }, () => false);
  const { epoch } = history.read('once', undefined);
  now += 7 * DAY;
  history.read('another', undefined);
  expect(history.read('once', undefined).epoch).not.toBe(epoch);
});

test('a position of another topic is none of a topic', async () => {
  const topics = new Topics({ history: {} });
  const after = await topics.publish('a', 'x');
  for (const text of ['1', '2']) await topics.publish('b', text);
  const socket = new FakeSocket();
  expect(await topics.subscribe(socket, 'b', { after })).toMatchObject({ recovered: false });
  expect(socket.received).toEqual([]);
});
