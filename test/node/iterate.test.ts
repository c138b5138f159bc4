// The messages of a WebSocket as an async iterator, over a hand-made emitter and over WebSockets of `ws`.
import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { iterate } from '../../src/node/iterate.js';

class Source extends EventEmitter {
  readyState = 1;
  isPaused = false;
  pause = vi.fn(() => {
    this.isPaused = true;
  });
  resume = vi.fn(() => {
    this.isPaused = false;
  });

  close(): void {
    this.readyState = 3;
    this.emit('close', 1005, Buffer.alloc(0));
  }
}

describe('for await over a WebSocket', () => {
  it('gives messages in order, those that came before they were asked for and those after, and ends at close', async () => {
    const source = new Source();
    const messages = iterate<string>(source);
    source.emit('message', 'one', false);
    expect(await messages.next()).toEqual({ value: { data: 'one', isBinary: false }, done: false });
    const second = messages.next();
    const third = messages.next();
    source.emit('message', 'two', true);
    source.emit('message', 'three', false);
    source.emit('message', 'four', false);
    source.close();
    expect((await second).value).toEqual({ data: 'two', isBinary: true });
    expect((await third).value?.data).toBe('three');
    expect((await messages.next()).value?.data).toBe('four');
    expect(await messages.next()).toEqual({ value: undefined, done: true });
    expect(source.eventNames()).toEqual([]);
  });

  it('pauses while 16 messages wait, and resumes when none does', async () => {
    const source = new Source();
    const messages = iterate(source);
    for (let i = 0; i < 15; i++) source.emit('message', i, true);
    expect(source.pause).not.toHaveBeenCalled();
    for (let i = 15; i < 20; i++) source.emit('message', i, true);
    expect(source.pause).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 19; i++) expect((await messages.next()).value?.data).toBe(i);
    expect(source.resume).not.toHaveBeenCalled();
    expect((await messages.next()).value?.data).toBe(19);
    expect(source.resume).toHaveBeenCalledTimes(1);
  });

  it('does not resume a socket that the application has paused', async () => {
    const source = new Source();
    const messages = iterate(source);
    source.pause();
    for (let i = 0; i < 20; i++) source.emit('message', i, true);
    for (let i = 0; i < 20; i++) await messages.next();
    await messages.return?.();
    expect(source.pause).toHaveBeenCalledTimes(1);
    expect(source.resume).not.toHaveBeenCalled();
  });

  it('throws an error after the messages before it, once, and then is over', async () => {
    const source = new Source();
    const messages = iterate(source);
    source.emit('message', 'before', true);
    source.emit('error', new Error('broken'));
    source.close();
    expect((await messages.next()).value?.data).toBe('before');
    await expect(messages.next()).rejects.toThrow('broken');
    expect((await messages.next()).done).toBe(true);
  });

  it('throws an error to the first who waits, and ends for the others at close', async () => {
    const source = new Source();
    const messages = iterate(source);
    const [first, second] = [messages.next(), messages.next()];
    source.emit('error', new Error('broken'));
    source.close();
    await expect(first).rejects.toThrow('broken');
    expect((await second).done).toBe(true);
  });

  it('leaves the WebSocket open and unpaused, with no listener left, when the loop is left', async () => {
    const source = new Source();
    const messages = iterate(source);
    for (let i = 0; i < 20; i++) source.emit('message', i, true);
    for await (const { data } of messages) {
      expect(data).toBe(0);
      break;
    }
    expect(source.eventNames()).toEqual([]);
    expect(source.isPaused).toBe(false);
    expect((await messages.next()).done).toBe(true);
  });

  it('is over at once when the WebSocket is closed already', async () => {
    const source = new Source();
    source.close();
    expect((await iterate(source).next()).done).toBe(true);
    expect(source.eventNames()).toEqual([]);
  });

  it('loses nothing between real WebSockets, however slow its user', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => server.close());
    server.on('connection', (peer) => {
      for (let i = 0; i < 500; i++) peer.send(String(i));
      peer.close();
    });
    await once(server, 'listening');
    const ws = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => ws.terminate());
    let count = 0;
    for await (const { data, isBinary } of iterate<Buffer>(ws)) {
      expect([data.toString(), isBinary]).toEqual([String(count++), false]);
      if (count % 50 === 0) await new Promise(setImmediate);
    }
    expect(count).toBe(500);
    expect(ws.readyState).toBe(WebSocket.CLOSED);
  });
});
