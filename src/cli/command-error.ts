// What keeps a command from running, as one sentence for the person who called it.

/** The command could not run: its message is the sentence and the exit status is 2. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/** What went wrong with a file or an address, in the words of the system. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
