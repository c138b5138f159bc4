// `atSteadyPace` calls a function every few milliseconds, whatever else the process does.

/** In ms. */
const EVERY = 4;

export function atSteadyPace(work) {
  const since = performance.now();
  let calls = 0;
  setInterval(() => {
    for (; calls < (performance.now() - since) / EVERY; calls++) work();
  }, EVERY);
}
