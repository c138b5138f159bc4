// `settle` tells the callbacks of a send how its write ended.

/** Told when its write has gone out, or with the error that kept it from doing so. */
export type SendCallback = (error?: Error | null) => void;

/** The error that a callback gets for data that never left. */
export function notSent(): Error {
  return new Error('The connection was closed before the data was sent');
}

/** Tells every callback, with null where all went well, as Node's streams do. An error that one throws surfaces as an uncaught exception of its own; the others are told all the same. */
export function settle(callbacks: readonly (SendCallback | undefined)[], error?: Error | null): void {
  for (const callback of callbacks) {
    try {
      callback?.(error ?? null);
    } catch (thrown) {
      process.nextTick(() => {
        throw thrown;
      });
    }
  }
}
