// Texts of two lengths become the ratio of the times it takes to read them, to tell linear from quadratic.

/**
 * How many times longer `read` takes for 16 times the text: about 16 when linear, about 256 when quadratic. The shortest of
 * many runs counts, in the processor's time, so that other work on the machine does not.
 * @param length the length of the shorter text, in characters
 */
export function growth(
  read: (text: string) => unknown,
  make: (length: number) => string,
  length: number = 2 * 1024,
): number {
  const [short, long] = [make(length), make(16 * length)];
  const time = (text: string, repeat: number): number => {
    let best = Infinity;
    for (let round = 0; round < 8; round++) {
      const start = process.cpuUsage();
      for (let i = 0; i < repeat; i++) read(text);
      const { user, system } = process.cpuUsage(start);
      best = Math.min(best, Math.max(1, user + system) / repeat);
    }
    return best;
  };
  time(short, 16);
  return time(long, 1) / time(short, 16);
}

/**
 * How many times longer 50 times the work takes: about 50 when linear, about 2,500 when quadratic; the garbage collector
 * alone makes 200 of the 50. The shortest of several runs counts, in the processor's time.
 * @param prepare makes the work for a length, and returns what is measured
 */
export function fiftyfold(prepare: (length: number) => () => unknown, length: number): number {
  const time = (of: number, rounds: number): number => {
    let best = Infinity;
    for (let round = 0; round < rounds; round++) {
      const work = prepare(of);
      const start = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(start);
      best = Math.min(best, Math.max(1, user + system));
    }
    return best;
  };
  time(length, 3);
  return time(50 * length, 2) / time(length, 10);
}
