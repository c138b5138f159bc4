// `CommandError` says in one sentence why a command cannot run.

/** The error of a command that cannot run: its message is printed, and the exit status is 2. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/** Returns the message of an error, such as that of the system about a file or an address. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
