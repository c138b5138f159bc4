// The caller's own mistake as an error: thrown at the caller's line, before any state has changed.

/** The library was asked for something that it cannot do in the connection's state, or with such arguments. */
export class UsageError extends Error {
  readonly code = 'WS_ERR_USAGE';
  override readonly name = 'UsageError';
}
