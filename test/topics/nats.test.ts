// What the broker of NATS does while its stream is being prepared, over a connection that the test answers.
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { natsBroker, type NatsConnection, type NatsMessage } from '../../src/topics/brokers/nats.js';

const INFO = {
  created: '2020-01-01T00:00:00Z',
  config: { max_msgs_per_subject: 10, republish: { dest: 'wsimd:l.{{wildcard(1)}}' } },
  state: { first_seq: 1, last_seq: 5 },
};

/** A connection that notes what is published and subscribed, and answers what is asked of the stream by `answer`. */
function connect() {
  const sent: string[] = [];
  const subjects = new Set<string>();
  const asked: string[] = [];
  let take: ((error: null, message: NatsMessage) => void) | undefined;
  const connection: NatsConnection = {
    publish(subject, data, { reply = '' } = {}) {
      if (subject.includes('STREAM.INFO')) asked.push(reply);
      else if (subject === 'wsimd:s.topic') sent.push(String(data));
    },
    subscribe(subject, { callback }) {
      take ??= callback;
      subjects.add(subject);
      return { unsubscribe: () => subjects.delete(subject) };
    },
    flush: () => Promise.resolve(),
    status: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }),
    isClosed: () => false,
  };
  const answer = async (): Promise<void> => {
    for (let answers = 0; answers < 2; answers++) {
      while (asked.length === answers) await turn();
      take!(null, { subject: asked[answers], data: Buffer.from(JSON.stringify(INFO)) });
    }
  };
  const broker = natsBroker(connection, { history: true });
  void broker.start({ entry: () => undefined, up: () => undefined, down: () => undefined });
  return { broker, sent, subjects, answer };
}

/** Publishes once before the stream is there, and once `turns` microtasks after its last answer; returns what is sent. */
async function publishAround(turns: number): Promise<string[]> {
  const { broker, sent, answer } = connect();
  void broker.publish('topic', Buffer.from('first'));
  await answer();
  for (let count = 0; count < turns; count++) await Promise.resolve();
  void broker.publish('topic', Buffer.from('second'));
  await turn();
  return sent;
}

test.each(Array.from({ length: 20 }, (_, turns) => turns))(
  'a message does not overtake one that waits for the stream, %i microtasks after its answer',
  async (turns) => {
    expect(await publishAround(turns)).toEqual(['first', 'second']);
  },
);

test('a topic that is dropped before the stream is there is not subscribed, unless it has come back', async () => {
  const { broker, subjects, answer } = connect();
  void broker.subscribe(['left', 'back']);
  broker.unsubscribe(['left', 'back']);
  void broker.subscribe(['back']);
  await answer();
  await turn();
  expect([...subjects].filter((subject) => subject.startsWith('wsimd:l'))).toEqual(['wsimd:l.back']);
});

test('what the server does not answer is given up, so that it is asked again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { broker, answer } = connect();
  await answer();
  const read = broker.read!('topic', undefined);
  void read.catch(() => undefined);
  await turn();
  await vi.advanceTimersByTimeAsync(10_000);
  await expect(read).rejects.toThrow('has not answered in time');
});
