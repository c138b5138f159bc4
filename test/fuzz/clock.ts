// The timers of the global scope become ones that fire when they are told to.

interface Timer {
  fire(): void;
}

type Callback = (...given: unknown[]) => void;

const NAMES = ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] as const;

export class Clock {
  private readonly timeouts = new Set<Timer>();
  private readonly immediates = new Set<Timer>();
  private readonly real = NAMES.map((name) => globalThis[name]);

  /** Takes the place of the global timers. */
  install(): void {
    const adder =
      (timers: Set<Timer>, skips: number) =>
      (callback: Callback, ...given: unknown[]): object => {
        const timer = {
          fire: (): void => callback(...given.slice(skips)),
          unref: (): object => timer,
          ref: (): object => timer,
        };
        timers.add(timer);
        return timer;
      };
    const remover =
      (timers: Set<Timer>) =>
      (timer: Timer): void =>
        void timers.delete(timer);
    Object.assign(globalThis, {
      setTimeout: adder(this.timeouts, 1),
      clearTimeout: remover(this.timeouts),
      setImmediate: adder(this.immediates, 0),
      clearImmediate: remover(this.immediates),
    });
  }

  uninstall(): void {
    NAMES.forEach((name, index) => Object.assign(globalThis, { [name]: this.real[index] }));
  }

  /** Runs what was put off for a turn; what it puts off itself waits. */
  turn(): void {
    fireAll(this.immediates);
  }

  /** Lets enough time pass for the timers there are. */
  pass(): void {
    fireAll(this.timeouts);
  }
}

function fireAll(timers: Set<Timer>): void {
  const due = Array.from(timers);
  for (const timer of due) if (timers.delete(timer)) timer.fire();
}
