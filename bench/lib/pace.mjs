// `start[pace]` calls a function that publishes and returns its promises, again and again.

/** In ms. */
const EVERY = 4;

export const start = {
  /** Every 4 ms, whatever else the process does: most of the time it sleeps, and waking is much of what it takes. */
  steady(work) {
    const since = performance.now();
    let calls = 0;
    setInterval(() => {
      for (; calls < (performance.now() - since) / EVERY; calls++) work();
    }, EVERY);
  },
  /** Again in the next turn of the event loop once the engine has taken all: it never sleeps, and nothing piles up. */
  async busy(work) {
    for (;;) {
      await Promise.all(work());
      await new Promise(setImmediate);
    }
  },
};
