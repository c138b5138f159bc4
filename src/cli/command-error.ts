// `CommandError` says in one sentence why a command cannot run.

/** The error of a command that cannot run: its message is printed, and the exit status is 2. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/** The words for an error of OpenSSL, which names its source file and ends the line, where the answer to TLS is not TLS. */
export const NO_TLS = 'nothing speaks TLS there, so that wss: does not fit';

/** The words for a command that Ctrl-C ended. */
export const INTERRUPTED = 'it was interrupted';

/** The words for the end of a connection to a server that does not answer, such as one that speaks TLS. */
export const NO_ANSWER = 'the connection ended before an answer; a server that speaks TLS takes wss:';

/** The words for a server that has not answered the opening request in time: those of the library. */
export const TIMED_OUT = 'Opening handshake has timed out';

/** What to do about a certificate that is refused. */
export const ANY_CERTIFICATE = '--insecure takes any certificate';

/** Returns the message of an error, such as that of the system about a file or an address, as part of a sentence. */
export function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  if (words.includes('wrong version number')) return NO_TLS;
  if (words === 'socket hang up') return NO_ANSWER;
  if (/PEM routines|DECODER routines/.test(words)) return 'one of the files is no PEM of its kind';
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  if (/^(?!ERR_SSL_).*(?:CERT|LEAF_SIGNATURE)/.test(code)) return `${words}; ${ANY_CERTIFICATE}`;
  if (words.includes('key values mismatch')) return 'the key is that of another certificate';
  return words.replaceAll(/\s+/g, ' ').trim();
}
