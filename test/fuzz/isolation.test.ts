// The isolation fuzzer in short: a few thousand marked messages over all kinds of streams. `npm run fuzz -- --isolation` goes on.
import { expect, test } from 'vitest';
import { KINDS, playIsolation, type Kind } from './isolation.js';

const EPISODES = 16;
const MESSAGES = 250;

test('H01 nothing that users, sockets and workers can reach shows a mark of another connection', async () => {
  let [messages, memories] = [0, 0];
  const kinds = new Set<Kind>();
  for (let seed = 1; seed <= EPISODES; seed++) {
    const findings = await playIsolation(seed, MESSAGES);
    expect(findings.found).toEqual([]);
    messages += findings.messages;
    memories += findings.memories;
    for (const kind of findings.kinds) kinds.add(kind);
  }
  expect([...kinds].sort()).toEqual([...KINDS].sort());
  // Each is received on both ends.
  expect(messages).toBeGreaterThanOrEqual(2 * EPISODES * MESSAGES);
  expect(memories).toBeGreaterThan(EPISODES);
}, 60_000);
