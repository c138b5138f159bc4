// What became of a write -> everybody who waits to be told.

/** Told when its write has gone out, or with the error that kept it from doing so. */
export type SendCallback = (error?: Error | null) => void;

/** What a callback is told of data that never left. */
export function notSent(): Error {
  return new Error('The connection was closed before the data was sent');
}

/** Tells every callback. What one throws surfaces as an uncaught exception of its own, and keeps nobody else from being told. */
export function settle(callbacks: readonly (SendCallback | undefined)[], error: Error | null | undefined): void {
  for (const callback of callbacks) {
    try {
      callback?.(error ?? undefined);
    } catch (thrown) {
      process.nextTick(() => {
        throw thrown;
      });
    }
  }
}
