// `collectUncaught` takes the exceptions that no code catches, in place of the test runner, which would fail the whole run.

/** The messages of the exceptions, in order, from now on; `endings` gets what gives them back to the test runner. */
export function collectUncaught(endings: (() => unknown)[]): string[] {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const messages: string[] = [];
  process.on('uncaughtException', ({ message }) => messages.push(message));
  endings.push(() => {
    process.removeAllListeners('uncaughtException');
    for (const each of others) process.on('uncaughtException', each);
  });
  return messages;
}
