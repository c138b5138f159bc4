/** The contract with `ws`: the EventTarget face of a WebSocket and its event classes. */
import { inspect } from 'node:util';
import { expect, it, vi } from 'vitest';
import { connectingClient, contract, event, listen, pair, rawClient, rawServer } from './harness.js';
import type { Client, ListenerEvent } from './implementations.js';

const TYPES = ['open', 'message', 'close', 'error'] as const;

/** What a listener of `type` would get, provoked by emitting with `ws`'s arguments. */
function provoke(ws: Client, type: string, ...parameters: unknown[]): ListenerEvent {
  let seen: ListenerEvent | undefined;
  ws.addEventListener(type, (given) => void (seen = given), { once: true });
  ws.emit(type, ...parameters);
  return seen!;
}

contract('event target', (implementation) => {
  const create = (): Client => connectingClient(implementation);

  it('addEventListener: takes a function, called with `this` being the WebSocket', () => {
    const ws = create();
    const listener = vi.fn();
    ws.addEventListener('open', listener);
    ws.emit('open');
    expect(listener).toHaveBeenCalledTimes(1);
    expect(listener.mock.contexts[0]).toBe(ws);
  });

  it('addEventListener: takes { handleEvent }, called with `this` being the object', () => {
    const ws = create();
    const handler = { handleEvent: vi.fn() };
    ws.addEventListener('open', handler);
    ws.emit('open');
    expect(handler.handleEvent.mock.contexts[0]).toBe(handler);
    ws.removeEventListener('open', handler);
    ws.emit('open');
    expect(handler.handleEvent).toHaveBeenCalledTimes(1);
  });

  it('addEventListener: { once: true } calls once', () => {
    const ws = create();
    const listener = vi.fn();
    ws.addEventListener('open', listener, { once: true });
    ws.emit('open');
    ws.emit('open');
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('addEventListener: the same listener twice is ignored, also when one of them is once', () => {
    const ws = create();
    const listener = vi.fn();
    ws.addEventListener('message', listener);
    ws.addEventListener('message', listener);
    ws.addEventListener('message', listener, { once: true });
    expect(ws.listenerCount('message')).toBe(1);
    ws.emit('message', Buffer.from('x'), false);
    ws.emit('message', Buffer.from('x'), false);
    expect(listener).toHaveBeenCalledTimes(2);
  });

  it('addEventListener: the same function for two types counts as two', () => {
    const ws = create();
    const listener = vi.fn();
    ws.addEventListener('open', listener);
    ws.addEventListener('close', listener);
    ws.emit('open');
    ws.emit('close', 1000, Buffer.alloc(0));
    expect(listener).toHaveBeenCalledTimes(2);
  });

  it('addEventListener: only open, message, close and error; others are ignored', () => {
    const ws = create();
    for (const type of ['ping', 'pong', 'upgrade', 'unexpected-response', 'redirect', 'other']) {
      ws.addEventListener(type, () => expect.unreachable(), null as never);
      expect(ws.listenerCount(type), type).toBe(0);
    }
    for (const type of TYPES) {
      const before = ws.listenerCount(type);
      ws.addEventListener(type, () => {});
      expect(ws.listenerCount(type), type).toBe(before + 1);
    }
  });

  it('removeEventListener: removes what addEventListener added, and only that', () => {
    const ws = create();
    const listener = vi.fn();
    ws.on('message', listener);
    ws.onmessage = listener;
    ws.addEventListener('message', listener);
    expect(ws.listenerCount('message')).toBe(3);
    ws.removeEventListener('message', listener);
    ws.removeEventListener('message', listener);
    const stranger = vi.fn();
    ws.removeEventListener('message', stranger);
    expect(ws.listenerCount('message')).toBe(2);
    expect(ws.onmessage).toBe(listener);
    expect(ws.listeners('message')).toContain(listener);
  });

  it('removeEventListener: removes a once listener too', () => {
    const ws = create();
    const listener = (): void => expect.unreachable();
    ws.addEventListener('open', listener, { once: true });
    ws.removeEventListener('open', listener);
    ws.emit('open');
    expect(ws.listenerCount('open')).toBe(0);
  });

  it('listeners(): shows wrappers that carry the original under a symbol', () => {
    const ws = create();
    const listener = (): void => {};
    ws.addEventListener('message', listener);
    const [wrapper] = ws.listeners('message') as unknown as Record<symbol, unknown>[];
    expect(typeof wrapper).toBe('function');
    expect(wrapper).not.toBe(listener);
    expect(Object.getOwnPropertySymbols(wrapper).map((symbol) => wrapper[symbol])).toContain(listener);
  });

  for (const type of TYPES) {
    it(`on${type}: is null, then what was set, replaced by the next, removed by a non-function`, () => {
      const ws = create();
      const name = `on${type}` as const;
      const before = ws.listenerCount(type);
      expect(ws[name]).toBeNull();
      const [one, two] = [vi.fn(), vi.fn()];
      ws[name] = one;
      expect(ws[name]).toBe(one);
      expect(ws.listenerCount(type)).toBe(before + 1);
      ws[name] = two;
      expect(ws[name]).toBe(two);
      expect(ws.listenerCount(type)).toBe(before + 1);
      ws[name] = null;
      expect(ws[name]).toBeNull();
      expect(ws.listenerCount(type)).toBe(before);
      ws[name] = two;
      ws[name] = 'no function' as unknown as null;
      expect(ws[name]).toBeNull();
      expect(ws.listenerCount(type)).toBe(before);
    });
  }

  it('onmessage: and addEventListener with the same function are both called', () => {
    const ws = create();
    const listener = vi.fn();
    ws.onmessage = listener;
    ws.addEventListener('message', listener);
    ws.emit('message', Buffer.from('x'), false);
    expect(listener).toHaveBeenCalledTimes(2);
  });

  it('Event: of open has type and target', () => {
    const ws = create();
    const given = provoke(ws, 'open');
    expect(given.type).toBe('open');
    expect(given.target).toBe(ws);
    expect(given.constructor.name).toBe('Event');
  });

  it('MessageEvent: has data, a string for text', () => {
    const ws = create();
    expect(provoke(ws, 'message', Buffer.from('é'), false)).toMatchObject({ type: 'message', data: 'é', target: ws });
    const bytes = Buffer.from('x');
    expect(provoke(ws, 'message', bytes, true).data).toBe(bytes);
  });

  it('CloseEvent: has code, reason as a string and wasClean', () => {
    const ws = create();
    expect(provoke(ws, 'close', 1001, Buffer.from('why'))).toMatchObject({
      type: 'close',
      code: 1001,
      reason: 'why',
      wasClean: false,
      target: ws,
    });
  });

  it('ErrorEvent: has error and its message', () => {
    const ws = create();
    const error = new Error('forced');
    const given = provoke(ws, 'error', error);
    expect(given).toMatchObject({ type: 'error', message: 'forced', target: ws });
    expect(given.error).toBe(error);
  });

  it('event classes: are own ones, not the global classes, and their fields are enumerable accessors of the prototype', () => {
    const ws = create();
    const cases: [ListenerEvent, string, string[]][] = [
      [provoke(ws, 'open'), 'Event', []],
      [provoke(ws, 'message', Buffer.from('x'), false), 'MessageEvent', ['data']],
      [provoke(ws, 'close', 1000, Buffer.alloc(0)), 'CloseEvent', ['code', 'reason', 'wasClean']],
      [provoke(ws, 'error', new Error('x')), 'ErrorEvent', ['error', 'message']],
    ];
    const base = Object.getPrototypeOf(cases[0][0]) as object;
    for (const [given, name, fields] of cases) {
      expect(given instanceof Event, name).toBe(false);
      expect(given.constructor.name).toBe(name);
      expect(given instanceof (base.constructor as new () => object), name).toBe(true);
      const prototype = Object.getPrototypeOf(given) as object;
      for (const field of fields) {
        expect(Object.getOwnPropertyDescriptor(prototype, field), `${name}.${field}`).toMatchObject({
          enumerable: true,
          set: undefined,
        });
      }
      for (const field of ['target', 'type']) {
        expect(Object.getOwnPropertyDescriptor(base, field), field).toMatchObject({ enumerable: true, set: undefined });
      }
      expect(Object.keys(given)).toEqual([]);
    }
  });

  it('dispatchEvent: does not exist', () => {
    expect('dispatchEvent' in implementation.WebSocket.prototype).toBe(false);
  });

  it('wasClean: is true when a Close was sent and received, on both sides', async () => {
    const { client, peer } = await pair(implementation);
    const events = [client, peer].map(
      (ws) =>
        new Promise<ListenerEvent>((resolve) => {
          ws.addEventListener('close', resolve);
        }),
    );
    client.close(1000, 'done');
    for (const given of await Promise.all(events)) {
      expect(given).toMatchObject({ code: 1000, reason: 'done', wasClean: true });
    }
  });

  it('wasClean: is false when only one Close went, or none', async () => {
    const closeEvent = (ws: Client): Promise<ListenerEvent> =>
      new Promise((resolve) => {
        ws.addEventListener('close', resolve);
      });
    const unanswered = await rawClient(implementation, { closeTimeout: 50 });
    const first = closeEvent(unanswered.ws);
    unanswered.ws.close(1000);
    expect(await first).toMatchObject({ code: 1006, wasClean: false });

    const cut = await rawServer(implementation);
    const second = closeEvent(cut.ws);
    cut.peer.socket.destroy();
    expect(await second).toMatchObject({ code: 1006, reason: '', wasClean: false });

    const terminated = await pair(implementation);
    const third = closeEvent(terminated.client);
    terminated.client.terminate();
    expect(await third).toMatchObject({ code: 1006, wasClean: false });
  });

  it('live: all four handlers are called by a real conversation', async () => {
    const { server, url } = await listen(implementation);
    server.on('connection', (ws: Client) => {
      ws.onmessage = ({ data }) => ws.send(`echo ${String(data)}`);
    });
    const log: string[] = [];
    const ws = new implementation.WebSocket(url);
    ws.onopen = ({ type, target }) => {
      log.push(type);
      target.send('hi');
    };
    ws.onmessage = ({ data, target }) => {
      log.push(String(data));
      target.close(1000);
    };
    ws.onclose = ({ code }) => void log.push(`close ${code}`);
    await event(ws, 'close');
    expect(log).toEqual(['open', 'echo hi', 'close 1000']);
  });

  it('live: onerror gets the error of a bad frame', async () => {
    const { ws, peer } = await rawClient(implementation);
    const given = new Promise<ListenerEvent>((resolve) => {
      ws.onerror = resolve;
    });
    peer.send({ opcode: 3 });
    const { error, message, type } = await given;
    expect(type).toBe('error');
    expect(message).toBe('Invalid WebSocket frame: invalid opcode 3');
    expect(error?.message).toBe(message);
  });
});

contract('event objects', (implementation) => {
  const failure = new Error('mine');
  const events = (): [string, ListenerEvent, Partial<ListenerEvent>][] => {
    const ws = connectingClient(implementation);
    return [
      ['open', provoke(ws, 'open'), { type: 'open' }],
      ['message', provoke(ws, 'message', Buffer.from('x'), false), { type: 'message', data: 'x' }],
      ['close', provoke(ws, 'close', 1000, Buffer.from('done')), { code: 1000, reason: 'done', wasClean: false }],
      ['error', provoke(ws, 'error', failure), { error: failure, message: 'mine' }],
    ];
  };

  it('can be read through a Proxy and through what inherits from them', () => {
    for (const [type, given, fields] of events()) {
      for (const around of [new Proxy(given, {}), Object.create(given) as ListenerEvent]) {
        expect({ ...fields, type, target: given.target }).toEqual(
          Object.fromEntries([...Object.keys(fields), 'type', 'target'].map((name) => [name, around[name as 'type']])),
        );
      }
    }
  });

  it('printing one shows the error, the code or the data', () => {
    for (const [type, given, fields] of events()) {
      const text = inspect(given, { depth: 0 });
      for (const value of Object.values(fields)) {
        const [line] = inspect(value, { depth: 0 }).split('\n', 1);
        if (value !== type) expect(text).toContain(line);
      }
    }
  });

  it('JSON, spread and structured logging of one come to an end and hold no fields', () => {
    for (const [, given] of events()) {
      expect(JSON.stringify(given)).toBe('{}');
      expect(Object.keys({ ...given })).toEqual([]);
      expect(Object.prototype.toString.call(given)).toBe('[object Object]');
    }
  });

  it('the prototypes of their classes can be read', () => {
    for (const [, given, fields] of events()) {
      const prototype = Object.getPrototypeOf(given) as ListenerEvent;
      for (const name of [...Object.keys(fields), 'type', 'target']) expect(prototype[name as 'type']).toBeUndefined();
    }
  });

  it('addEventListener: what can never be called does not end the process when the event comes', () => {
    const ws = connectingClient(implementation);
    for (const listener of [undefined, null, 5, 'x', true]) ws.addEventListener('open', listener as never);
    if (implementation.name === 'wsimd') expect(() => ws.emit('open')).not.toThrow();
    else expect(() => ws.emit('open')).toThrow(TypeError);
  });
});
