// `UsageError` reports a mistake of the caller, thrown at the caller's line before any state has changed.

/** The library cannot do this in the connection's state, or with these arguments. */
export class UsageError extends Error {
  readonly code = 'WS_ERR_USAGE';
  override readonly name = 'UsageError';
}

/** Throws UsageError for an argument: `taken` says what is taken in the place of what was `given`. */
export function refuse(taken: string, given: unknown, cause?: unknown): never {
  throw new UsageError(`${taken}; given: ${given === null ? 'null' : typeof given}`, { cause });
}
