import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Queue } from '../src/queue.js';

describe('a queue', () => {
  test('gives back what it was given, as an array does whatever is asked of the two', () => {
    const call = fc.oneof(
      { weight: 6, arbitrary: fc.constant('push') },
      { weight: 5, arbitrary: fc.constant('shift') },
      { weight: 1, arbitrary: fc.constantFrom('replaceFirst', 'takeAll', 'clear') },
    );
    const play = (calls: string[]): void => {
      const queue = new Queue<number>();
      let array: number[] = [];
      for (const [at, name] of calls.entries()) {
        if (name === 'push') {
          queue.push(at);
          array.push(at);
        } else if (name === 'shift') expect(queue.shift()).toBe(array.shift());
        else if (name === 'replaceFirst' && array.length > 0) {
          queue.replaceFirst(at);
          array[0] = at;
        } else if (name === 'takeAll') {
          expect(queue.takeAll()).toEqual(array);
          array = [];
        } else if (name === 'clear') {
          queue.clear();
          array = [];
        }
        expect([queue.length, queue.first, [...queue]]).toEqual([array.length, array[0], array]);
      }
    };
    fc.assert(fc.property(fc.array(call, { maxLength: 200 }), play), { numRuns: 50 });
    // Long enough for what is left to be moved up, in full and in part.
    play([...Array(150).fill('push'), ...Array(149).fill('shift'), 'push', ...Array(3).fill('shift')] as string[]);
  });

  test('keeps nothing of what was taken out', () => {
    const queue = new Queue<object>();
    for (let at = 0; at < 100; at++) queue.push({ at });
    for (let at = 0; at < 99; at++) queue.shift();
    expect(JSON.stringify(queue)).not.toContain('"at":98');
  });
});
