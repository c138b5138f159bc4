// A history in memory keeps what is young enough, and forgets the rest, also of topics that nobody publishes to any more.
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test, vi } from 'vitest';
import { MemoryHistory } from '../../src/topics/memory-broker.js';

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

test('what silent topics have kept is let go once it is too old, and their offsets go on', async () => {
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

  now += 7 * DAY;
  addTo(history, 'other', 10);
  // The topics that were forgotten had 3 and 20 messages: positions in them are no longer recovered.
  expect(history.read('silent', 4)).toMatchObject({ last: 20, isWhole: false });
  expect(history.add('silent', new Uint8Array(8))).toMatchObject({ offset: 21, before: 20 });
  expect(history.read('subscribed', 4)).toMatchObject({ last: 3, isWhole: true });
  expect(history.read('other', 11)).toMatchObject({ last: 10, isWhole: true });
});
