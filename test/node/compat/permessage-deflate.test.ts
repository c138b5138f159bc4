// One table of behaviours, held by the class PerMessageDeflate of ws and by ours.
import { constants, inflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import * as ws from 'ws';
import {
  PerMessageDeflate,
  type WsParamLists,
  type WsParams,
  type WsPerMessageDeflateOptions,
} from '../../../src/node/compat/permessage-deflate.js';
import { turns } from '../../../src/node/deflate/turns.js';
import { jsonLike, seeded } from '../../support/deflate.js';

type Engine = Pick<PerMessageDeflate, 'params' | 'offer' | 'accept' | 'compress' | 'decompress' | 'cleanup'>;
interface EngineClass {
  readonly extensionName: string;
  new (options?: WsPerMessageDeflateOptions): Engine;
}

const { PerMessageDeflate: WsPerMessageDeflate } = ws as unknown as { PerMessageDeflate: EngineClass };

const NO_TAKEOVER: WsParamLists = { server_no_context_takeover: [true], client_no_context_takeover: [true] };
const SERVER = { isServer: true };

const OFFERS: { name: string; options: WsPerMessageDeflateOptions; offer: WsParams }[] = [
  { name: 'by default', options: {}, offer: { client_max_window_bits: true } },
  {
    name: 'with every option',
    options: {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 10,
      clientMaxWindowBits: 11,
    },
    offer: {
      server_no_context_takeover: true,
      client_no_context_takeover: true,
      server_max_window_bits: 10,
      client_max_window_bits: 11,
    },
  },
  {
    name: 'with options that are false',
    options: { serverNoContextTakeover: false, serverMaxWindowBits: false, clientMaxWindowBits: false },
    offer: {},
  },
  {
    name: 'with clientMaxWindowBits true',
    options: { clientMaxWindowBits: undefined },
    offer: { client_max_window_bits: true },
  },
];

const ALL: WsParamLists = {
  server_no_context_takeover: [true],
  client_no_context_takeover: [true],
  server_max_window_bits: ['12'],
  client_max_window_bits: ['11'],
};

const ACCEPTED: { name: string; options: WsPerMessageDeflateOptions; offers: WsParamLists[]; params: WsParams }[] = [
  { name: 'a server an empty offer', options: SERVER, offers: [{}], params: {} },
  {
    name: 'a server every parameter',
    options: SERVER,
    offers: [ALL],
    params: {
      server_no_context_takeover: true,
      client_no_context_takeover: true,
      server_max_window_bits: 12,
      client_max_window_bits: 11,
    },
  },
  {
    name: 'a server client_max_window_bits without a value',
    options: SERVER,
    offers: [{ client_max_window_bits: [true] }],
    params: {},
  },
  {
    name: 'a server its own options rather than the offer',
    options: {
      isServer: true,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 12,
      clientMaxWindowBits: 11,
    },
    offers: [{ server_max_window_bits: ['14'], client_max_window_bits: ['13'] }],
    params: {
      server_no_context_takeover: true,
      client_no_context_takeover: true,
      server_max_window_bits: 12,
      client_max_window_bits: 11,
    },
  },
  {
    name: 'a server the first offer that it can',
    options: { isServer: true, serverMaxWindowBits: 11 },
    offers: [{ server_max_window_bits: ['10'] }, { server_max_window_bits: ['12'] }],
    params: { server_max_window_bits: 11 },
  },
  {
    name: 'a server without a window of the client in its answer',
    options: { isServer: true, clientMaxWindowBits: false },
    offers: [{ client_max_window_bits: ['10'] }],
    params: {},
  },
  { name: 'a client an empty response', options: {}, offers: [{}], params: {} },
  {
    name: 'a client every parameter',
    options: {},
    offers: [ALL],
    params: {
      server_no_context_takeover: true,
      client_no_context_takeover: true,
      server_max_window_bits: 12,
      client_max_window_bits: 11,
    },
  },
  {
    name: 'a client its own window where the response names none',
    options: { clientMaxWindowBits: 10 },
    offers: [{}],
    params: { client_max_window_bits: 10 },
  },
];

const NONE = 'None of the extension offers can be accepted';
const TAKEN = 'Unexpected or invalid parameter "client_max_window_bits"';
const REFUSED: { name: string; options: WsPerMessageDeflateOptions; offers: WsParamLists[]; error: Error }[] = [
  {
    name: 'a server server_no_context_takeover',
    options: { isServer: true, serverNoContextTakeover: false },
    offers: [{ server_no_context_takeover: [true] }],
    error: new Error(NONE),
  },
  {
    name: 'a server server_max_window_bits',
    options: { isServer: true, serverMaxWindowBits: false },
    offers: [{ server_max_window_bits: ['12'] }],
    error: new Error(NONE),
  },
  {
    name: 'a server a smaller window than its own',
    options: { isServer: true, serverMaxWindowBits: 12 },
    offers: [{ server_max_window_bits: ['11'] }],
    error: new Error(NONE),
  },
  {
    name: 'a server a client that cannot limit its window',
    options: { isServer: true, clientMaxWindowBits: 12 },
    offers: [{}],
    error: new Error(NONE),
  },
  {
    name: 'a client client_no_context_takeover',
    options: { clientNoContextTakeover: false },
    offers: [{ client_no_context_takeover: [true] }],
    error: new Error('Unexpected parameter "client_no_context_takeover"'),
  },
  {
    name: 'a client client_max_window_bits',
    options: { clientMaxWindowBits: false },
    offers: [{ client_max_window_bits: ['10'] }],
    error: new Error(TAKEN),
  },
  {
    name: 'a client a larger window than its own',
    options: { clientMaxWindowBits: 10 },
    offers: [{ client_max_window_bits: ['11'] }],
    error: new Error(TAKEN),
  },
  {
    name: 'a parameter with several values',
    options: SERVER,
    offers: [{ server_no_context_takeover: [true, true] }],
    error: new Error('Parameter "server_no_context_takeover" must have only a single value'),
  },
  {
    name: 'an unknown parameter',
    options: SERVER,
    offers: [{ foo: [true] }],
    error: new Error('Unknown parameter "foo"'),
  },
  ...['server_no_context_takeover', 'client_no_context_takeover'].map((name) => ({
    name: `${name} with a value`,
    options: SERVER,
    offers: [{ [name]: ['10'] }],
    error: new TypeError(`Invalid value for parameter "${name}": 10`),
  })),
  ...['7', '16', 'a', true as const].map((value) => ({
    name: `server_max_window_bits ${value}`,
    options: SERVER,
    offers: [{ server_max_window_bits: [value] }],
    error: new TypeError(`Invalid value for parameter "server_max_window_bits": ${value}`),
  })),
  {
    name: 'client_max_window_bits 16',
    options: SERVER,
    offers: [{ client_max_window_bits: ['16'] }],
    error: new TypeError('Invalid value for parameter "client_max_window_bits": 16'),
  },
  {
    name: 'a client client_max_window_bits without a value',
    options: {},
    offers: [{ client_max_window_bits: [true] }],
    error: new TypeError('Invalid value for parameter "client_max_window_bits": true'),
  },
];

const made: Engine[] = [];

function compress(engine: Engine, data: Uint8Array | string, fin = true): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    engine.compress(data, fin, (error, result) => (error ? reject(error) : resolve(result!)));
  });
}

function decompress(engine: Engine, data: Uint8Array, fin = true): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    engine.decompress(data, fin, (error, result) => (error ? reject(error) : resolve(result!)));
  });
}

afterEach(() => {
  for (const engine of made.splice(0)) engine.cleanup();
  expect(turns.count).toBe(0);
});

describe.each<[string, EngineClass]>([
  ['ws', WsPerMessageDeflate],
  ['ours', PerMessageDeflate],
])('PerMessageDeflate of %s', (_, Class) => {
  function accepted(options: WsPerMessageDeflateOptions = {}, params: WsParamLists = {}): Engine {
    const engine = new Class({ threshold: 0, ...options });
    engine.accept([structuredClone(params)]);
    made.push(engine);
    return engine;
  }

  test('names the extension', () => {
    expect(Class.extensionName).toBe('permessage-deflate');
    expect(new Class().params).toBeNull();
  });

  test.each(OFFERS)('offers $name', ({ options, offer }) => {
    expect(new Class(options).offer()).toEqual(offer);
  });

  test.each(ACCEPTED)('accepts: $name', ({ options, offers, params }) => {
    const engine = new Class(options);
    expect(engine.accept(structuredClone(offers))).toEqual(params);
    expect(engine.params).toEqual(params);
  });

  test.each(REFUSED)('refuses: $name', ({ options, offers, error }) => {
    expect(() => new Class(options).accept(structuredClone(offers))).toThrow(error);
  });

  test('carries a message and back', async () => {
    for (const options of [{}, SERVER]) {
      const client = accepted(options);
      const server = accepted({ isServer: options !== SERVER });
      for (const message of [Buffer.from([1, 2, 3]), jsonLike(5000, seeded(1)), jsonLike(300_000, seeded(2))]) {
        const compressed = await compress(client, message);
        expect(compressed).toBeInstanceOf(Buffer);
        expect(message.equals(await decompress(server, compressed))).toBe(true);
      }
    }
  });

  test('carries text', async () => {
    const compressed = await compress(accepted(), 'grüße');
    expect((await decompress(accepted(SERVER), compressed)).toString()).toBe('grüße');
  });

  test('carries a message in fragments', async () => {
    const client = accepted();
    const server = accepted(SERVER);
    const message = Buffer.from([1, 2, 3, 4]);
    const parts: Buffer[] = [];
    for (const fin of [false, false, true]) {
      const compressed = await compress(client, message, fin);
      if (!fin) expect(compressed.subarray(-4)).toEqual(Buffer.from([0x00, 0x00, 0xff, 0xff]));
      parts.push(await decompress(server, compressed, fin));
    }
    expect(Buffer.concat(parts)).toEqual(Buffer.concat([message, message, message]));
  });

  test('works with the negotiated parameters', async () => {
    const params = { ...NO_TAKEOVER, server_max_window_bits: ['10'], client_max_window_bits: ['11'] };
    const server = accepted(SERVER, params);
    const client = accepted({}, params);
    const message = jsonLike(5000, seeded(3));
    expect(message.equals(await decompress(server, await compress(client, message)))).toBe(true);
    expect(message.equals(await decompress(client, await compress(server, message)))).toBe(true);
  });

  test('honours zlibDeflateOptions and zlibInflateOptions', async () => {
    const message = Buffer.from('A'.repeat(1000));
    const [stored, small] = await Promise.all(
      [0, 9].map((level) =>
        compress(
          accepted({ zlibDeflateOptions: { level, chunkSize: 256 }, zlibInflateOptions: { chunkSize: 1024 } }),
          message,
        ),
      ),
    );
    expect(stored.length).toBeGreaterThan(message.length);
    expect(small.length).toBeLessThan(30);
    for (const data of [stored, small]) expect(message.equals(await decompress(accepted(SERVER), data))).toBe(true);
  });

  test('keeps no context where that is agreed', async () => {
    const message = jsonLike(500, seeded(4));
    const client = accepted({}, NO_TAKEOVER);
    const first = await compress(client, message);
    expect(await compress(client, message)).toEqual(first);
    const tail = Buffer.from([0x00, 0x00, 0xff, 0xff]);
    const inflated = inflateRawSync(Buffer.concat([first, tail]), { finishFlush: constants.Z_SYNC_FLUSH });
    expect(inflated).toEqual(message);
  });

  test('keeps its context where that is agreed', async () => {
    const message = jsonLike(500, seeded(5));
    const client = accepted();
    const server = accepted(SERVER);
    const first = await compress(client, message);
    const second = await compress(client, message);
    expect(second.length).toBeLessThan(first.length);
    expect(message.equals(await decompress(server, first))).toBe(true);
    expect(message.equals(await decompress(server, second))).toBe(true);
  });

  test('answers corrupt data with the error of zlib', async () => {
    const server = accepted(SERVER);
    await expect(decompress(server, Buffer.from('something invalid'))).rejects.toMatchObject({
      code: 'Z_DATA_ERROR',
      errno: -3,
    });
  });

  test.each([
    ['of one byte more', 26],
    ['of many', 1_000_000],
  ])('answers a message %s than maxPayload with an error', async (_, length) => {
    const server = accepted({ isServer: true, maxPayload: 25 });
    const compressed = await compress(accepted(), Buffer.alloc(length));
    const error: unknown = await decompress(server, compressed).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({
      message: 'Max payload size exceeded',
      code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    });
  });

  test('lets a message of maxPayload bytes pass', async () => {
    const server = accepted({ isServer: true, maxPayload: 25 });
    expect(await decompress(server, await compress(accepted(), Buffer.alloc(25)))).toHaveLength(25);
  });

  test('B05: answers compress with an error when it is cleaned up meanwhile', async () => {
    for (const length of [10, 300_000]) {
      const engine = accepted();
      const answer = compress(engine, Buffer.alloc(length));
      process.nextTick(() => engine.cleanup());
      await expect(answer).rejects.toThrow('The deflate stream was closed while data was being processed');
    }
  });

  test('works again after it was cleaned up, without its context', async () => {
    const message = jsonLike(500, seeded(6));
    const client = accepted();
    const first = await compress(client, message);
    client.cleanup();
    expect(await compress(client, message)).toEqual(first);
  });

  test('B04: begins anew after a final block', async () => {
    const server = accepted(SERVER);
    const wire = Buffer.from('33343236313533b7000000', 'hex');
    for (let round = 0; round < 3; round += 1) {
      expect((await decompress(server, wire)).toString()).toBe('12345678');
    }
  });

  test('has callbacks only after the call has returned', async () => {
    const engine = accepted();
    let called = false;
    const answer = new Promise<void>((resolve) => {
      engine.compress('text', true, () => {
        called = true;
        resolve();
      });
    });
    expect(called).toBe(false);
    await answer;
  });
});

test('B05: answers decompress with an error when it is cleaned up meanwhile, which ws never answers', async () => {
  for (const length of [10, 300_000]) {
    const client = new PerMessageDeflate();
    client.accept([{}]);
    made.push(client);
    const compressed = await new Promise<Buffer>((resolve) => {
      client.compress(Buffer.alloc(length), true, (_, result) => resolve(result!));
    });
    const error = new Promise((resolve) => client.decompress(compressed, true, resolve));
    client.cleanup();
    expect(await error).toEqual(new Error('The inflate stream was closed while data was being processed'));
  }
});

function agreed(Class: EngineClass, isServer: boolean, params: WsParamLists): Engine {
  const engine = new Class({ isServer, threshold: 0 });
  engine.accept([structuredClone(params)]);
  made.push(engine);
  return engine;
}

test.each<WsParamLists>([
  {},
  NO_TAKEOVER,
  { server_max_window_bits: ['8'], client_max_window_bits: ['8'] },
  { ...NO_TAKEOVER, server_max_window_bits: ['8'], client_max_window_bits: ['8'] },
  { server_max_window_bits: ['9'], client_max_window_bits: ['12'] },
])('messages pass between ours and ws, both ways: %j', async (params) => {
  for (const [sender, receiver] of [
    [agreed(PerMessageDeflate, true, params), agreed(WsPerMessageDeflate, false, params)],
    [agreed(WsPerMessageDeflate, true, params), agreed(PerMessageDeflate, false, params)],
  ]) {
    for (const length of [300, 1, 70_000, 300, 250_000, 5]) {
      const message = jsonLike(length, seeded(length));
      expect(message.equals(await decompress(receiver, await compress(sender, message)))).toBe(true);
    }
  }
});

test('takes calls while others are under way, and answers in their order', async () => {
  const client = agreed(PerMessageDeflate, false, {});
  const server = agreed(PerMessageDeflate, true, {});
  const messages = [200_000, 10, 100_000, 0, 20].map((length) => jsonLike(length, seeded(length)));
  const compressed = await Promise.all(messages.map((message) => compress(client, message)));
  const order: number[] = [];
  const inflated = await Promise.all(
    compressed.map(async (data, index) => {
      const result = await decompress(server, data);
      order.push(index);
      return result;
    }),
  );
  expect(inflated.every((result, index) => result.equals(messages[index]))).toBe(true);
  expect(order).toEqual([...messages.keys()]);
});
