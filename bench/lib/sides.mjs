// Servers under the same load -> processor time per message of each, in interleaved rounds.
import { setTimeout as sleep } from 'node:timers/promises';
import { summarize } from './rounds.mjs';

/**
 * Lets a group of connections work, and returns the processor time per message of `running`, which they are open to, in
 * microseconds.
 */
async function measureOnce(load, running, group, warmUp, seconds) {
  await load.ask({ start: group });
  await sleep(warmUp * 1000);
  const [before, seen] = await Promise.all([running.ask('usage'), load.ask('count')]);
  await sleep(seconds * 1000);
  const [after, seenAfter] = await Promise.all([running.ask('usage'), load.ask('count')]);
  await load.ask({ pause: group });
  // A slow server may finish fewer batches than one in a short measurement.
  if (after.count === before.count) throw new Error('no message came back while it was measured');
  return {
    micros: (after.micros - before.micros) / (after.count - before.count),
    rate: (seenAfter.count - seen.count) / ((seenAfter.at - seen.at) / 1000),
  };
}

/**
 * Rounds over several servers; all connections stay open from the first to the last, and one server works at a time.
 * @param load the program bench/load.mjs
 * @param {{ name: string, running: object, wanted: object }[]} sides
 * @param {{ rounds: number, firstWarmUp: number, warmUp: number, seconds: number }} times all but `rounds` in seconds
 */
export async function measureSides(load, sides, { rounds, firstWarmUp, warmUp, seconds }) {
  const groups = [];
  for (const { name, running, wanted } of sides) {
    groups.push(await load.ask({ open: { name, port: running.port, ...wanted } }));
  }
  const micros = sides.map(() => []);
  const rates = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const at = (round + turn) % sides.length;
      const once = await measureOnce(load, sides[at].running, groups[at], round === 0 ? firstWarmUp : warmUp, seconds);
      micros[at].push(once.micros);
      rates[at].push(once.rate);
    }
  }
  await load.ask('close');
  return sides.map(({ name }, i) => ({ name, ...summarize(micros[i]), perSecond: summarize(rates[i]).median }));
}
