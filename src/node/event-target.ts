// `addEventFace` gives an EventEmitter the DOM's listeners, addEventListener and onmessage, as `ws` offers them.
import type { EventEmitter } from 'node:events';
import { CloseCode } from '../spec/close-code.js';

/** The members that the class must have: whether it closed cleanly, and how to close it. */
export interface EventFaced extends EventEmitter {
  readonly _closeFrameReceived: boolean;
  readonly _closeFrameSent: boolean;
  close(code: number): void;
}

/** The event types; addEventListener ignores any other. */
export type EventType = 'open' | 'message' | 'close' | 'error';

// Under symbols and not `#`, as in `ws`: reading and printing also work on a Proxy, and on an object that inherits from an event.
const kType: unique symbol = Symbol('type');
const kTarget: unique symbol = Symbol('target');
const kData: unique symbol = Symbol('data');
const kCode: unique symbol = Symbol('code');
const kReason: unique symbol = Symbol('reason');
const kWasClean: unique symbol = Symbol('wasClean');
const kError: unique symbol = Symbol('error');
const kMessage: unique symbol = Symbol('message');

/** The argument of a listener. It is not the global Event class, and dispatchEvent does not take it. */
export class Event<Target = unknown> {
  /** @internal */
  readonly [kType]: string;
  /** @internal */
  [kTarget]: unknown = null;

  constructor(type: string) {
    this[kType] = type;
  }

  get type(): string {
    return this[kType];
  }

  /** The WebSocket that the event is about. */
  get target(): Target {
    return this[kTarget] as Target;
  }
}

export class MessageEvent<Target = unknown> extends Event<Target> {
  /** @internal */
  readonly [kData]: unknown;

  constructor(type: string, { data = null }: { data?: unknown } = {}) {
    super(type);
    this[kData] = data;
  }

  /** A string for a text message; for a binary message the type that `binaryType` names. */
  get data(): unknown {
    return this[kData];
  }
}

export class CloseEvent<Target = unknown> extends Event<Target> {
  /** @internal */
  readonly [kCode]: number;
  /** @internal */
  readonly [kReason]: string;
  /** @internal */
  readonly [kWasClean]: boolean;

  constructor(type: string, { code = 0, reason = '', wasClean = false }: CloseEventFields = {}) {
    super(type);
    this[kCode] = code;
    this[kReason] = reason;
    this[kWasClean] = wasClean;
  }

  /** The peer's close code; 1005 if its Close had none, 1006 if none came (RFC 6455 7.1.5). */
  get code(): number {
    return this[kCode];
  }

  get reason(): string {
    return this[kReason];
  }

  /** Whether a Close frame was both sent and received (RFC 6455 7.1.4). */
  get wasClean(): boolean {
    return this[kWasClean];
  }
}

interface CloseEventFields {
  code?: number;
  reason?: string;
  wasClean?: boolean;
}

export class ErrorEvent<Target = unknown> extends Event<Target> {
  /** @internal */
  readonly [kError]: unknown;
  /** @internal */
  readonly [kMessage]: string;

  constructor(type: string, { error = null, message = '' }: { error?: unknown; message?: string } = {}) {
    super(type);
    this[kError] = error;
    this[kMessage] = message;
  }

  get error(): unknown {
    return this[kError];
  }

  get message(): string {
    return this[kMessage];
  }
}

const FIELDS: readonly [{ prototype: object }, readonly string[]][] = [
  [Event, ['target', 'type']],
  [MessageEvent, ['data']],
  [CloseEvent, ['code', 'reason', 'wasClean']],
  [ErrorEvent, ['error', 'message']],
];
for (const [{ prototype }, names] of FIELDS) {
  for (const name of names) Object.defineProperty(prototype, name, { enumerable: true });
}

/** The event class of each type. */
export interface EventMap<Target> {
  open: Event<Target>;
  message: MessageEvent<Target>;
  close: CloseEvent<Target>;
  error: ErrorEvent<Target>;
}

export type EventListener<E> = ((event: E) => void) | { handleEvent(event: E): void };

/** The members that `addEventFace` puts on a prototype. */
export interface EventFace<Target> {
  onopen: ((event: Event<Target>) => void) | null;
  onmessage: ((event: MessageEvent<Target>) => void) | null;
  onclose: ((event: CloseEvent<Target>) => void) | null;
  onerror: ((event: ErrorEvent<Target>) => void) | null;
  /** Adds a listener; adding the same listener for the same type again has no effect. */
  addEventListener<Type extends EventType>(
    type: Type,
    listener: EventListener<EventMap<Target>[Type]>,
    options?: { once?: boolean },
  ): void;
  /** Removes a listener that addEventListener added; other listeners stay. */
  removeEventListener<Type extends EventType>(type: Type, listener: EventListener<EventMap<Target>[Type]>): void;
}

type AnyListener = EventListener<Event>;

/** Makes an event from the arguments of an emit, at most two; undefined where that is impossible. */
type EventMaker = (this: EventFaced, first: unknown, second: unknown) => Event | undefined;

const MAKERS: Readonly<Record<EventType, EventMaker>> = {
  open: () => new Event('open'),
  message(data, isBinary) {
    try {
      return new MessageEvent('message', { data: isBinary ? data : String(data) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STRING_TOO_LONG') throw error;
      // RFC 6455 7.4.1: 1009 says that the message is too big, here for a string; ws ends the process instead.
      this.close(CloseCode.MessageTooBig);
      return undefined;
    }
  },
  close(code, reason) {
    const wasClean = this._closeFrameReceived && this._closeFrameSent;
    return new CloseEvent('close', { code: code as number, reason: String(reason), wasClean });
  },
  error: (error) => new ErrorEvent('error', { error, message: (error as Error).message }),
};

/** A property of a function that `listeners(type)` shows: the listener that the function calls. */
export const kListener: unique symbol = Symbol('listener');
/** A property of the same function: whether `onopen` and so on set it, and not addEventListener. */
const kIsHandler: unique symbol = Symbol('isHandler');

interface Wrapper {
  (this: EventFaced, first: unknown, second: unknown): void;
  [kListener]: AnyListener;
  [kIsHandler]: boolean;
}

function wrap(type: EventType, listener: AnyListener, isHandler: boolean): Wrapper {
  const make = MAKERS[type];
  function deliver(this: EventFaced, first: unknown, second: unknown): void {
    const event = make.call(this, first, second);
    if (event === undefined) return;
    event[kTarget] = this;
    if (typeof listener === 'function') listener.call(this, event);
    else listener.handleEvent(event);
  }
  return Object.assign(deliver, { [kListener]: listener, [kIsHandler]: isHandler });
}

/** The wrapper in `type`'s listeners that belongs to a handler, or else to `listener`. */
function find(target: EventFaced, type: string, listener: AnyListener | undefined, isHandler: boolean) {
  return (target.listeners(type) as Wrapper[]).find(
    (wrapper) => wrapper[kIsHandler] === isHandler && (isHandler || wrapper[kListener] === listener),
  );
}

function addEventListener(
  this: EventFaced,
  type: string,
  listener: AnyListener,
  options: { once?: boolean; [kIsHandler]?: boolean } | null = {},
): void {
  const { once = false, [kIsHandler]: isHandler = false } = options ?? {};
  // Deviation from ws (D17): a value that cannot be called is no listener, as in the DOM; ws throws at the event.
  if (typeof listener !== 'function' && (typeof listener !== 'object' || listener === null)) return;
  if (!Object.hasOwn(MAKERS, type) || (!isHandler && find(this, type, listener, false) !== undefined)) return;
  const wrapper = wrap(type as EventType, listener, isHandler);
  if (once) this.once(type, wrapper);
  else this.on(type, wrapper);
}

function removeEventListener(this: EventFaced, type: string, listener: AnyListener): void {
  const wrapper = find(this, type, listener, false);
  if (wrapper !== undefined) this.removeListener(type, wrapper);
}

function addHandler(prototype: EventFaced, type: EventType): void {
  Object.defineProperty(prototype, `on${type}`, {
    configurable: true,
    enumerable: true,
    get(this: EventFaced): AnyListener | null {
      return find(this, type, undefined, true)?.[kListener] ?? null;
    },
    set(this: EventFaced & { addEventListener: typeof addEventListener }, handler: unknown) {
      const before = find(this, type, undefined, true);
      if (before !== undefined) this.removeListener(type, before);
      // As in ws: a method of that name that the application has put on the socket sees handlers too.
      if (typeof handler === 'function') this.addEventListener(type, handler as AnyListener, { [kIsHandler]: true });
    },
  });
}

/**
 * Gives a class the methods and accessors of `EventFace`. An object without such listeners pays no memory for it.
 * @param prototype the prototype of a class that emits 'open' (), 'message' (data, isBinary), 'close' (code, reason) and
 *   'error' (error)
 */
export function addEventFace(prototype: EventFaced): void {
  for (const type of Object.keys(MAKERS) as EventType[]) addHandler(prototype, type);
  Object.assign(prototype, { addEventListener, removeEventListener });
}
