// What happens once happens once, and in its order, on a stream that is destroyed while its writes are under way.
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { WebSocket } from '../../src/node/websocket.js';
import { encodeFrame } from '../support/raw-peer.js';

/** A stream that takes writes and never says so. */
class Silent extends Duplex {
  override _read(): void {}
  override _write(): void {}
}

function open(options: { maxBackpressure?: number } = {}): { socket: Silent; websocket: WebSocket } {
  const socket = new Silent();
  const websocket = new WebSocket(null, undefined, options);
  websocket.setSocket(socket, Buffer.alloc(0));
  return { socket, websocket };
}

test("E11 callbacks of sends are called in order and before 'close', also of a send after the stream was destroyed", async () => {
  const { socket, websocket } = open();
  const told: string[] = [];
  websocket.on('close', () => told.push('close'));
  websocket.send('first', () => told.push('first'));
  await turn();
  websocket.send('second', () => told.push('second'));
  socket.destroy();
  websocket.send('third', () => told.push('third'));
  await turn();
  expect(told).toEqual(['first', 'second', 'third', 'close']);
});

test("E01 'error' is emitted once, where a violation follows what ended the connection", async () => {
  const { socket, websocket } = open({ maxBackpressure: 10 });
  const errors: string[] = [];
  websocket.on('error', (error: Error & { code?: string }) => errors.push(error.code ?? error.message));
  websocket.send('x'.repeat(100));
  await turn();
  websocket.on('message', () => websocket.send('y'));
  const message = encodeFrame({ opcode: 1, payload: 'a', masked: true });
  const wrong = encodeFrame({ opcode: 3, payload: '', masked: true });
  socket.push(Buffer.concat([message, wrong]));
  await turn();
  expect(errors).toEqual(['WS_ERR_BACKPRESSURE']);
});

test("G05 a listener that throws while the last bytes are told does not keep 'close' from coming", async () => {
  const { socket, websocket } = open();
  const told: string[] = [];
  websocket.on('message', () => {
    told.push('message');
    throw new Error('planted');
  });
  websocket.on('close', () => told.push('close'));
  websocket.pause();
  socket.push(encodeFrame({ opcode: 1, payload: 'a', masked: true }));
  // An error of the stream's own 'close' listener goes to the caller of `emit`.
  socket.removeAllListeners('error');
  expect(() => socket.emit('close')).toThrow('planted');
  await turn();
  expect(told).toEqual(['message', 'close']);
});
