// `settle` calls the callbacks of a send with the outcome of its write.

/** Called when the data has been written, or with the error that prevented it. */
export type SendCallback = (error?: Error | null) => void;

/** The error that a callback gets for data that was never written. */
export function notSent(): Error {
  return new Error('The connection was closed before the data was sent');
}

/** Calls every callback, with null after success, as Node's streams do. An error that one throws becomes an uncaught exception. */
export function settle(callbacks: readonly (SendCallback | undefined)[], error?: Error | null): void {
  for (const callback of callbacks) {
    try {
      callback?.(error ?? null);
    } catch (thrown) {
      surface(thrown);
    }
  }
}

/** Makes an error of the application's an uncaught exception, in the next tick: the call under way has nothing to do with it. */
export function surface(thrown: unknown): void {
  process.nextTick(() => {
    throw thrown;
  });
}
