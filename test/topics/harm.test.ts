// What a caller's own code throws, and what an engine loses, harms nothing but what it concerns.
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Topics } from '../../src/topics/index.js';
import { FakeSocket } from './model.js';
import { ScriptedBroker } from './scripted.js';

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
