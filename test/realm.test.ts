// The built package in a realm of its own, as Jest gives one to each test file: classes of two realms meet, and many globals are missing.
import { Blob as NodeBlob } from 'node:buffer';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Realm } from './support/realm.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILES = { ws: 'node_modules/ws/index.js', wsimd: 'dist/index.cjs' };

/** Timers as jsdom has them: numbers, and no setImmediate. */
function domTimers(): Record<string, unknown> {
  const timers = new Map<number, NodeJS.Timeout>();
  let last = 0;
  return {
    setTimeout: (callback: () => void, ms: number): number => {
      timers.set(++last, setTimeout(callback, ms));
      return last;
    },
    clearTimeout: (id: number): void => clearTimeout(timers.get(id)),
  };
}

/** All that `ws` needs at the least. */
const LEAST = { Buffer, process, queueMicrotask };

// Prints what came of each kind of data, from either realm, sent with compression and without, as text `kind: bytes`.
const CONVERSATION = `
(async () => {
  const server = new WebSocket.Server({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (websocket) => {
    websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
  });
  const seen = [];
  for (const perMessageDeflate of [false, { threshold: 0 }]) {
    const client = new WebSocket('ws://127.0.0.1:' + server.address().port, { perMessageDeflate });
    await new Promise((resolve) => client.once('open', resolve));
    for (const [name, value] of values()) {
      const answer = new Promise((resolve) => client.once('message', resolve));
      await new Promise((resolve, reject) => client.send(value, (error) => (error ? reject(error) : resolve())));
      const data = await answer;
      seen.push(name + ': ' + Buffer.isBuffer(data) + ' ' + data.length + ' ' + data.subarray(0, 4).toString('hex'));
    }
    for (const method of ['ping', 'pong']) {
      client[method](new Uint8Array([1]));
      client[method](Buffer.from('b'));
      client[method](new Uint8Array([1]).buffer);
    }
    for (const binaryType of ['arraybuffer', 'fragments', 'nodebuffer']) {
      client.binaryType = binaryType;
      const answer = new Promise((resolve) => client.once('message', resolve));
      client.send(new Uint8Array([1, 2, 3]));
      const data = await answer;
      seen.push(binaryType + ': ' + (data.byteLength ?? data.length));
    }
    client.close(1000, Buffer.from('bye'));
    const [code, reason] = await new Promise((resolve) => client.once('close', (...args) => resolve(args)));
    seen.push('close: ' + code + ' ' + reason);
  }
  await new Promise((resolve) => server.close(resolve));
  return seen.join('\\n');
})()`;

// Of the realm itself; the rest comes from outside.
// Made anew for each round, since ws masks some in place.
const OWN_VALUES = `() => [
  ['text', 'k\\u00e4the'],
  ['long text', '\\u6771\\u4eac'.repeat(50000)],
  ['Uint8Array', new Uint8Array([1, 2, 3])],
  ['ArrayBuffer', new Uint8Array([1, 2, 3]).buffer],
  ['SharedArrayBuffer', new SharedArrayBuffer(3)],
  ['DataView', new DataView(new ArrayBuffer(4), 1, 2)],
  ['Float64Array', new Float64Array(2)],
  ['long Uint8Array', new Uint8Array(200000).fill(7)],
  ['array', [1, 2, 3]],
  ['Buffer', Buffer.from('abc')],
  ['long Buffer', Buffer.alloc(200000, 'ab')],
  ...outside(),
]`;

const outside = (): [string, unknown][] => [
  ['Uint8Array from outside', new Uint8Array([1, 2, 3])],
  ['ArrayBuffer from outside', new Uint8Array([1, 2, 3]).buffer],
  ['DataView from outside', new DataView(new ArrayBuffer(4), 1, 2)],
  ['Blob of Node', new NodeBlob(['blob'])],
];

function converse(name: keyof typeof FILES, globals: Record<string, unknown>): Promise<string> {
  const realm = new Realm({ ...globals, outside });
  realm.evaluate(
    `globalThis.WebSocket = require(${JSON.stringify(path.join(ROOT, FILES[name]))}); globalThis.values = ${OWN_VALUES};`,
  );
  return realm.evaluate(CONVERSATION) as Promise<string>;
}

describe('in a realm of its own', () => {
  it('with timers of the DOM, and without the classes of the platform, the same arrives as with ws', async () => {
    const globals = { ...LEAST, ...domTimers() };
    // Without the class, ws knows no Blob.
    const expected = await converse('ws', { ...globals, Blob: NodeBlob });
    expect(expected.split('\n')).toHaveLength(2 * (11 + outside().length + 4));
    expect(await converse('wsimd', globals)).toBe(expected);
  });

  it('a heartbeat runs on timers of the DOM', async () => {
    const realm = new Realm({ ...LEAST, ...domTimers() });
    realm.evaluate(`globalThis.WebSocket = require(${JSON.stringify(path.join(ROOT, FILES.wsimd))})`);
    const pings = await (realm.evaluate(`new Promise((resolve) => {
      const server = new WebSocket.Server({ port: 0, heartbeat: { interval: 5, timeout: 5000 } }, () => {
        const client = new WebSocket('ws://127.0.0.1:' + server.address().port);
        let count = 0;
        client.on('ping', () => {
          if (++count < 2) return;
          client.close();
          server.close(() => resolve(count));
        });
      });
    })`) as Promise<number>);
    expect(pings).toBe(2);
  });

  it('the codec carries text without any class of the platform', () => {
    const realm = new Realm({});
    realm.evaluate(`globalThis.codec = require(${JSON.stringify(path.join(ROOT, 'dist/sans-io.cjs'))})`);
    const text = realm.evaluate(`
      const { Connection, EventType, Role } = codec;
      const server = new Connection({ role: Role.Server });
      const client = new Connection({ role: Role.Client, generateMask: (mask) => mask.fill(5) });
      client.send('k\\u00e4the \\u6771\\u4eac');
      client.close(1000, 'r\\u00e9ason');
      for (const chunk of client.takeOutput()) server.receive(chunk);
      const seen = [];
      for (let event = server.next(); event !== undefined; event = server.next()) {
        seen.push(event.type === EventType.Message ? event.data.length : [event.type === EventType.Close, event.code]);
      }
      JSON.stringify([codec.kernels.name, seen]);
    `);
    expect(JSON.parse(text as string)).toEqual(['wasm-simd', [13, [true, 1000]]]);
  });
});
