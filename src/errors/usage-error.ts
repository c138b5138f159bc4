// `UsageError` reports a mistake of the caller, thrown at the caller's line before any state has changed.

/** The library cannot do this in the connection's state, or with these arguments. */
export class UsageError extends Error {
  readonly code = 'WS_ERR_USAGE';
  override readonly name = 'UsageError';
}

/** Throws UsageError unless an argument is an object; `what` is the beginning of the message: `A request is`. */
export function checkObject(what: string, given: unknown): void {
  if (typeof given !== 'object' || given === null) refuse(`${what} an object`, given);
}

/** As `checkObject`, for a list. */
export function checkList(what: string, given: unknown): void {
  if (!Array.isArray(given)) refuse(`${what} a list`, given);
}

/** As `checkList`, for a list of objects. */
export function checkObjects(what: string, given: unknown): void {
  checkList(what, given);
  for (const each of given as unknown[]) checkObject(`${what} a list; each is`, each);
}

/** As `checkObject`, for text. */
export function checkText(what: string, given: unknown): void {
  if (typeof given !== 'string') refuse(`${what} text`, given);
}

/** As `checkObject`, for an object with this method. */
export function checkMethod(what: string, given: unknown, method: string): void {
  if (typeof (given as Record<string, unknown> | null | undefined)?.[method] !== 'function') {
    refuse(`${what} an object with a method ${method}`, given);
  }
}

/** Throws UsageError for an argument: `taken` says what is taken in the place of what was `given`. */
export function refuse(taken: string, given: unknown, cause?: unknown): never {
  throw new UsageError(`${taken}; given: ${given === null ? 'null' : typeof given}`, { cause });
}
