import { describe, expect, test } from 'vitest';
import { Floods, type Share } from '../../src/node/share.js';

/** Peers that flood, with a clock and turns of the event loop that only the test moves; a read takes 0.2 ms. */
function flooded() {
  let time = 0;
  let later: (() => void)[] = [];
  const floods = new Floods(
    () => time,
    (work) => later.push(work),
  );
  return {
    floods,
    /** Reads from each of `count` peers until its share is used up, or libuv goes on to the next socket; the time it took. */
    turn: (count: number): number => {
      const before = time;
      for (let peer = 0; peer < count; peer++) {
        time += 0.2;
        let share = floods.share(undefined);
        for (let read = 1; read < 32 && !share.isUsedUp; read++) {
          time += 0.2;
          share = floods.share(share);
        }
      }
      const due = later;
      later = [];
      for (const work of due) work();
      return time - before;
    },
  };
}

describe('peers that flood', () => {
  test('take 10 ms of a turn together, however many they are, and one read each at least', () => {
    for (const count of [2, 8, 40]) {
      const { turn } = flooded();
      turn(count);
      for (let again = 0; again < 3; again++) expect(turn(count)).toBeLessThan(10 + 0.5 * count);
    }
    const { turn } = flooded();
    turn(200);
    expect(turn(200)).toBeCloseTo(80, 1);
  });

  test('have the whole time again when the others have gone', () => {
    const { turn } = flooded();
    turn(8);
    const crowded = turn(1);
    turn(0);
    expect(turn(1)).toBeGreaterThan(3 * crowded);
  });

  test('never wait where they have one full read in a turn, however many turns that goes on', () => {
    const { floods, turn } = flooded();
    let share: Share | undefined;
    for (let again = 0; again < 100; again++) {
      share = floods.share(share);
      expect(share.isUsedUp).toBe(false);
      turn(8);
    }
  });

  test('are halved, thirded and so on in their first turn already', () => {
    expect(flooded().turn(8)).toBeLessThan(35);
  });
});
