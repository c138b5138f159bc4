// `unrefed` has a timer keep no process alive, whether it is one of Node's or one of the DOM's.

/** Lets the process end although a timer runs; that of another realm, such as jsdom's, may be a number. */
export function unrefed(timer: NodeJS.Timeout): NodeJS.Timeout {
  if (typeof timer === 'object') timer.unref();
  return timer;
}
