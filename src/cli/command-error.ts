// `CommandError` says in one sentence why a command cannot run.

/** The command could not run: its message is the sentence and the exit status is 2. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/** The reason why a file or an address failed, in the words of the system. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
