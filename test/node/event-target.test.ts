// The DOM face of a WebSocket, held against that of `ws`: each test runs on a WebSocket of `ws` and on a class that wears ours.
import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { addEventFace, type EventFace, type EventFaced } from '../../src/node/event-target.js';

interface Host extends EventFaced {
  _closeFrameReceived: boolean;
  _closeFrameSent: boolean;
}
type Faced = Host & EventFace<unknown>;
type Given = Record<string, unknown>;

class Wearer extends EventEmitter {
  _closeFrameReceived = false;
  _closeFrameSent = false;
  closedWith: number | undefined;
  close(code: number): void {
    this.closedWith = code;
  }
}
addEventFace(Wearer.prototype);

const BOTH: Readonly<Record<string, () => Faced>> = {
  ws: () =>
    new (WebSocket as unknown as new (address: null, protocols: undefined, options: object) => Faced)(
      null,
      undefined,
      {},
    ),
  ours: () => new Wearer() as unknown as Faced,
};

const TYPES = ['open', 'message', 'close', 'error'] as const;
const ARGUMENTS: Readonly<Record<(typeof TYPES)[number], unknown[]>> = {
  open: [],
  message: [Buffer.from('x'), false],
  close: [1000, Buffer.alloc(0)],
  error: [new Error('x')],
};

describe.each(Object.entries(BOTH))('the DOM face of %s', (_name, create) => {
  /** What a listener of `type` is given when `parameters` are emitted. */
  function given(type: (typeof TYPES)[number], target = create(), parameters = ARGUMENTS[type]): Given {
    let seen: unknown;
    target.addEventListener(type, (event) => void (seen = event), { once: true });
    target.emit(type, ...parameters);
    return seen as Given;
  }

  /** The class of the events that listeners of `type` are given. */
  function classOf(type: (typeof TYPES)[number]): new (type: string, fields?: object) => Given {
    return given(type).constructor as new (type: string, fields?: object) => Given;
  }

  it('has methods and accessors on the prototype, enumerable, and nothing on an object that is not used', () => {
    const prototype = Object.getPrototypeOf(create()) as object;
    for (const name of ['addEventListener', 'removeEventListener']) {
      const property = Object.getOwnPropertyDescriptor(prototype, name)!;
      const method = property.value as (...parameters: unknown[]) => void;
      expect(property, name).toMatchObject({ enumerable: true, writable: true, configurable: true });
      expect([method.name, method.length]).toEqual([name, 2]);
    }
    for (const type of TYPES) {
      expect(Object.getOwnPropertyDescriptor(prototype, `on${type}`)).toMatchObject({
        enumerable: true,
        configurable: true,
        get: expect.any(Function),
        set: expect.any(Function),
      });
    }
    expect('dispatchEvent' in prototype).toBe(false);
    expect(create().eventNames()).toEqual([]);
  });

  it.each(TYPES)('hands %s listeners an event whose fields are getters, enumerable, and cannot be set', (type) => {
    const target = create();
    const event = given(type, target);
    expect(event.type).toBe(type);
    expect(event.target).toBe(target);
    const fields = { open: [], message: ['data'], close: ['code', 'reason', 'wasClean'], error: ['error', 'message'] };
    const seen: string[] = [];
    for (const name in event) seen.push(name);
    expect(seen.sort()).toEqual([...fields[type], 'target', 'type'].sort());
    expect(Object.keys(event)).toEqual([]);
    for (const name of seen) expect(() => (event[name] = 1), name).toThrow(TypeError);
  });

  it('makes the classes by their names, none of them global, all of them events', () => {
    expect(TYPES.map((type) => classOf(type).name)).toEqual(['Event', 'MessageEvent', 'CloseEvent', 'ErrorEvent']);
    for (const type of TYPES) {
      expect(given(type)).toBeInstanceOf(classOf('open'));
      expect(given(type)).not.toBeInstanceOf(globalThis.Event);
    }
  });

  it('makes events by hand: without fields, and with them', () => {
    expect(new (classOf('open'))('foo')).toMatchObject({ type: 'foo', target: null });
    expect(new (classOf('message'))('foo')).toMatchObject({ type: 'foo', data: null });
    expect(new (classOf('message'))('foo', { data: 1 })).toMatchObject({ data: 1 });
    expect(new (classOf('close'))('foo')).toMatchObject({ code: 0, reason: '', wasClean: false });
    const close = { code: 1, reason: 'r', wasClean: true };
    expect(new (classOf('close'))('foo', close)).toMatchObject(close);
    expect(new (classOf('error'))('foo')).toMatchObject({ error: null, message: '' });
    expect(new (classOf('error'))('foo', { error: 1, message: 'm' })).toMatchObject({ error: 1, message: 'm' });
  });

  it('hands text on as a string and anything else as it is; on() still gets the Buffer', () => {
    const text = Buffer.from('é€😀');
    const target = create();
    const raw = vi.fn();
    target.on('message', raw);
    expect(given('message', target, [text, false]).data).toBe('é€😀');
    expect(raw).toHaveBeenCalledWith(text, false);
    for (const data of [text, new ArrayBuffer(3), [text], new Blob(['x'])]) {
      expect(given('message', target, [data, true]).data).toBe(data);
    }
  });

  it('says in close events what was emitted, and clean when both Close frames went', () => {
    for (const received of [false, true]) {
      for (const sent of [false, true]) {
        const target = create();
        target._closeFrameReceived = received;
        target._closeFrameSent = sent;
        expect(given('close', target, [1001, Buffer.from('why')])).toMatchObject({
          code: 1001,
          reason: 'why',
          wasClean: received && sent,
        });
      }
    }
  });

  it('calls a function with the WebSocket as `this`, and handleEvent with its object', () => {
    const target = create();
    const listener = vi.fn();
    const object = { handleEvent: vi.fn() };
    target.addEventListener('open', listener);
    target.addEventListener('open', object);
    target.onopen = listener;
    target.emit('open');
    expect(listener.mock.contexts).toEqual([target, target]);
    expect(object.handleEvent.mock.contexts).toEqual([object]);
  });

  it('looks handleEvent up at each event', () => {
    const target = create();
    const object = { handleEvent: vi.fn() };
    target.addEventListener('open', object);
    const later = vi.fn();
    object.handleEvent = later;
    target.emit('open');
    expect(later).toHaveBeenCalledTimes(1);
  });

  it('takes { once: true }, and options of undefined or a boolean as none', () => {
    const target = create();
    const once = vi.fn();
    target.addEventListener('open', once, { once: true });
    const capture = vi.fn();
    target.addEventListener('open', capture, true as unknown as object);
    const none = vi.fn();
    target.addEventListener('open', none, undefined);
    target.emit('open');
    target.emit('open');
    expect([once, capture, none].map((listener) => listener.mock.calls.length)).toEqual([1, 2, 2]);
  });

  it('ignores the same listener a second time, with once or without', () => {
    const target = create();
    const listener = vi.fn();
    target.addEventListener('open', listener, { once: true });
    target.addEventListener('open', listener);
    expect(target.listenerCount('open')).toBe(1);
    target.emit('open');
    target.emit('open');
    expect(listener).toHaveBeenCalledTimes(1);
    target.addEventListener('open', listener);
    target.emit('open');
    expect(listener).toHaveBeenCalledTimes(2);
  });

  it('ignores other types, names of Object.prototype among them', () => {
    const target = create();
    const listener = (): void => {};
    for (const type of ['ping', 'upgrade', 'foo', 'constructor', 'toString', '__proto__']) {
      target.addEventListener(type as 'open', listener);
      target.removeEventListener(type as 'open', listener);
    }
    expect(target.eventNames()).toEqual([]);
  });

  it('removes only what addEventListener added: not on(), not onmessage', () => {
    const target = create();
    const listener = vi.fn();
    target.on('message', listener);
    target.onmessage = listener;
    target.removeEventListener('message', listener);
    expect(target.listenerCount('message')).toBe(2);
    target.addEventListener('message', listener);
    target.removeEventListener('message', listener);
    target.removeEventListener('message', listener);
    expect(target.listenerCount('message')).toBe(2);
    expect(target.onmessage).toBe(listener);
    expect(target.listeners('message')[0]).toBe(listener);
  });

  it('removes a once listener, and only for its type', () => {
    const target = create();
    const listener = vi.fn();
    target.addEventListener('open', listener, { once: true });
    target.addEventListener('close', listener);
    target.removeEventListener('open', listener);
    expect(target.eventNames()).toEqual(['close']);
  });

  it('removes what another listener removes while the event is being told only from the next event on', () => {
    const target = create();
    const second = vi.fn();
    target.addEventListener('open', () => target.removeEventListener('open', second));
    target.addEventListener('open', second);
    target.emit('open');
    target.emit('open');
    expect(second).toHaveBeenCalledTimes(1);
  });

  it('lets removeAllListeners remove listeners and handlers', () => {
    const target = create();
    target.onopen = (): void => {};
    target.addEventListener('open', () => {});
    target.removeAllListeners('open');
    expect(target.onopen).toBeNull();
    expect(target.eventNames()).toEqual([]);
  });

  it.each(TYPES)('on%s is null, then the function last set; anything else removes it', (type) => {
    const target = create();
    const name = `on${type}` as 'onopen';
    expect(target[name]).toBeNull();
    const [first, second] = [vi.fn(), vi.fn()];
    target[name] = first;
    target[name] = second;
    expect(target[name]).toBe(second);
    target.emit(type, ...ARGUMENTS[type]);
    expect([first, second].map((handler) => handler.mock.calls.length)).toEqual([0, 1]);
    for (const value of [null, undefined, 'text', { handleEvent: first }]) {
      target[name] = second;
      target[name] = value as null;
      expect(target[name], typeof value).toBeNull();
      expect(target.listenerCount(type), typeof value).toBe(0);
    }
  });

  it('puts a handler that replaces another behind listeners added in between', () => {
    const target = create();
    const order: string[] = [];
    target.onopen = () => order.push('first');
    target.addEventListener('open', () => order.push('listener'));
    target.onopen = () => order.push('second');
    target.emit('open');
    expect(order).toEqual(['listener', 'second']);
  });

  it('shows in listeners() wrappers that carry the original under a symbol', () => {
    const target = create();
    const listener = vi.fn();
    target.addEventListener('message', listener, { once: true });
    target.onmessage = listener;
    for (const wrapper of target.listeners('message') as unknown as Record<symbol, unknown>[]) {
      expect(Object.getOwnPropertySymbols(wrapper).map((symbol) => wrapper[symbol])).toContain(listener);
    }
  });

  it('lets what a listener throws out of emit', () => {
    const target = create();
    target.addEventListener('open', () => {
      throw new Error('mine');
    });
    expect(() => target.emit('open')).toThrow('mine');
  });
});

it('text that is longer than a string can be closes with 1009, and no listener gets it', () => {
  const wearer = new Wearer();
  const seen: unknown[] = [];
  (wearer as unknown as Faced).addEventListener('message', (event: unknown) => void seen.push(event));
  const refusing = (code: string) => ({
    toString() {
      throw Object.assign(new Error('Cannot create a string'), { code });
    },
  });
  wearer.emit('message', refusing('ERR_STRING_TOO_LONG'), false);
  expect([seen, wearer.closedWith]).toEqual([[], 1009]);
  expect(() => wearer.emit('message', refusing('ERR_OTHER'), false)).toThrow('Cannot create a string');
});
