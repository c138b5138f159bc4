// A lone listener of 'message' is called without `emit`: nobody can tell, but by the time it takes.
import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import ts from 'typescript';
import { expect, onTestFinished, test } from 'vitest';
import { emitsPlainly, loneMessageListener } from '../../src/node/lone-listener.js';
import { WebSocket } from '../../src/node/websocket.js';
import { encodeFrame } from '../support/raw-peer.js';

class Silent extends Duplex {
  override _read(): void {}
  override _write(): void {}
}

function open(Class = WebSocket): { ws: WebSocket; receive: (...texts: string[]) => Promise<void> } {
  const socket = new Silent();
  const ws = new Class(null);
  ws.setSocket(socket, Buffer.alloc(0));
  const frame = (payload: string): Buffer => encodeFrame({ opcode: 1, payload, masked: true });
  const receive = async (...texts: string[]): Promise<void> => {
    socket.push(Buffer.concat(texts.map(frame)));
    await turn();
  };
  return { ws, receive };
}

test('the way past `emit` is open in this version of Node', () => {
  const emitter = new EventEmitter();
  const listener = (): void => {};
  expect(emitsPlainly()).toBe(true);
  expect(loneMessageListener(emitter)).toBe(undefined);
  emitter.on('message', listener);
  expect(loneMessageListener(emitter)).toBe(listener);
  emitter.on('message', listener);
  expect(loneMessageListener(emitter)).toBe(undefined);
});

test('listeners that a tool adds to every new emitter stay', () => {
  const host = EventEmitter as unknown as { init: (this: EventEmitter, ...args: unknown[]) => void };
  const { init } = host;
  const told: string[] = [];
  host.init = function (...args) {
    init.apply(this, args);
    this.on('message', () => told.push('told'));
  };
  onTestFinished(() => void (host.init = init));
  new WebSocket(null).emit('message');
  expect(told).toEqual(['told']);
});

test('`this` is the WebSocket, and the arguments are those of `emit`', async () => {
  const { ws, receive } = open();
  const told: unknown[] = [];
  ws.on('message', function (this: unknown, ...given: unknown[]) {
    told.push(this === ws, String(given[0]), ...given.slice(1));
  });
  await receive('a');
  expect(told).toEqual([true, 'a', false]);
});

test('listeners that come and go between two messages of one read are heard as `emit` would have it', async () => {
  const { ws, receive } = open();
  const told: string[] = [];
  const first = (data: unknown): void => {
    told.push(`first ${String(data)}`);
    ws.off('message', first);
    ws.on('message', second);
  };
  const second = (data: unknown): void => {
    told.push(`second ${String(data)}`);
    if (told.length === 2) ws.once('message', (also: unknown) => told.push(`once ${String(also)}`));
    else ws.removeAllListeners('message');
  };
  ws.on('message', first);
  await receive('1', '2', '3', '4');
  expect(told).toEqual(['first 1', 'second 2', 'second 3', 'once 3']);
});

test('an `emit` of its own, or of its class, is told of every message', async () => {
  const told: unknown[] = [];
  class Telling extends WebSocket {
    override emit(event: string | symbol, ...given: unknown[]): boolean {
      told.push(['class', event]);
      return super.emit(event, ...given);
    }
  }
  const { ws, receive } = open(Telling);
  ws.on('message', () => told.push('listener'));
  told.length = 0;
  await receive('a');
  // oxlint-disable-next-line unbound-method -- it is called with its emitter
  const { emit } = ws;
  ws.emit = (event: string | symbol, ...given: unknown[]): boolean => {
    told.push(['own', event]);
    return emit.call(ws, event, ...given);
  };
  await receive('b');
  expect(told).toEqual([['class', 'message'], 'listener', ['own', 'message'], ['class', 'message'], 'listener']);
});

test('an `emit` put into the prototype of all emitters is told of every message', async () => {
  const { ws, receive } = open();
  const told: unknown[] = [];
  ws.on('message', () => told.push('listener'));
  // oxlint-disable-next-line unbound-method -- it is called with its emitter
  const { emit } = EventEmitter.prototype;
  onTestFinished(() => {
    EventEmitter.prototype.emit = emit;
  });
  EventEmitter.prototype.emit = function (event, ...given): boolean {
    if (this === ws) told.push(event);
    return emit.call(this, event, ...given);
  };
  await receive('a');
  expect(told).toEqual(['message', 'listener']);
});

test("with `captureRejections`, what a listener's promise is rejected with becomes an error", async () => {
  EventEmitter.captureRejections = true;
  onTestFinished(() => {
    EventEmitter.captureRejections = false;
  });
  const { ws, receive } = open();
  EventEmitter.captureRejections = false;
  ws.on('message', async () => {
    await turn();
    throw new Error('planted');
  });
  const failed = once(ws, 'error');
  await receive('a');
  expect(await failed).toEqual([new Error('planted')]);
});

test('where a program has replaced `emit` before this library is loaded, as for domains, it is never passed by', () => {
  const source = readFileSync(new URL('../../src/node/lone-listener.ts', import.meta.url), 'utf8');
  const compiled = ts.transpile(source, { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext });
  const module = JSON.stringify(`data:text/javascript,${encodeURIComponent(compiled)}`);
  const asks = `const { emitsPlainly } = await import(${module}); console.log(emitsPlainly());`;
  const answerAfter = (first: string): string =>
    execFileSync(process.execPath, ['--input-type=module', '-e', `${first}\n${asks}`])
      .toString()
      .trim();
  const wraps = `import { EventEmitter } from 'node:events';
    // oxlint-disable-next-line unbound-method -- it is called with its emitter
  const { emit } = EventEmitter.prototype;
    EventEmitter.prototype.emit = function (type, ...rest) { return emit.call(this, type, ...rest); };`;
  expect([answerAfter(''), answerAfter(`import 'node:domain';`), answerAfter(wraps)]).toEqual([
    'true',
    'false',
    'false',
  ]);
});
