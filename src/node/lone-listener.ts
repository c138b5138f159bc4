// `loneMessageListener` gives an emitter's only listener where calling it is all that `emit` would do.
import { EventEmitter } from 'node:events';

/** Where Node keeps listeners: a function where there is one, an array where there are more. */
interface Listeners {
  readonly _events?: { readonly message?: unknown };
}
type Listener = (...args: unknown[]) => unknown;

// oxlint-disable-next-line unbound-method -- it is only compared
const { emit } = EventEmitter.prototype;
/** An `emit` put in the place of Node's own before this module was loaded, as for domains, does more than call listeners. */
const isNodes = String(emit).includes('kErrorMonitor');

/** Whether an emitter that is made now only calls its listeners: `emit` can look after their promises as well. */
export function emitsPlainly(): boolean {
  return isNodes && !EventEmitter.captureRejections;
}

/** The one listener of 'message'; undefined where there are none or more, or where `emit` has been replaced since this module was loaded. */
export function loneMessageListener(emitter: EventEmitter): Listener | undefined {
  const listener = (emitter as Listeners)._events?.message;
  return typeof listener === 'function' && emitter.emit === emit ? (listener as Listener) : undefined;
}
