// `unrefed` makes a timer, of Node or of the DOM, keep no process alive.

/** Lets the process end while a timer runs; a timer of another realm, such as jsdom's, may be a number. */
export function unrefed(timer: NodeJS.Timeout): NodeJS.Timeout {
  if (typeof timer === 'object') timer.unref();
  return timer;
}
