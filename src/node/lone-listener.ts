// `loneMessageListener` returns an emitter's only listener, where calling it is all that `emit` would do.
import { EventEmitter } from 'node:events';

/** The property in which Node keeps listeners: one function, or an array of several. */
interface Listeners {
  _events?: { readonly message?: unknown };
}
type Listener = (...args: unknown[]) => unknown;

// oxlint-disable-next-line unbound-method -- it is only compared
const { emit, eventNames } = EventEmitter.prototype;
/** An `emit` that replaced Node's before this module was loaded, as with domains, does more than call listeners. */
const isNodes = String(emit).includes('kErrorMonitor');

/** Whether a new emitter only calls its listeners: `emit` may also capture rejected promises. */
export function emitsPlainly(): boolean {
  return isNodes && !EventEmitter.captureRejections;
}

/** Makes a new emitter take less memory: Node keeps listeners in an object that V8 makes a hash table of at once. */
export function slim(emitter: EventEmitter): void {
  if (isNodes && eventNames.call(emitter).length === 0)
    (emitter as Listeners)._events = Object.setPrototypeOf({}, null) as object;
}

/** The one listener of 'message'; undefined where there are none or several, or where `emit` was replaced after this module was loaded. */
export function loneMessageListener(emitter: EventEmitter): Listener | undefined {
  const listener = (emitter as Listeners)._events?.message;
  return typeof listener === 'function' && emitter.emit === emit ? (listener as Listener) : undefined;
}
