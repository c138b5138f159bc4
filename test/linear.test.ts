// Every list that a peer or a caller can make long: 50 times as many entries take about 50 times the work, never 2,500.
import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../src/codec/frame-decoder.js';
import { FrameEncoder } from '../src/codec/frame-encoder.js';
import { Connection } from '../src/connection/connection.js';
import { Outbound } from '../src/connection/outbound.js';
import { LATER, type Deflater } from '../src/extensions/transform.js';
import { BlobGate } from '../src/node/blob-gate.js';
import { iterate, type IterableWebSocket } from '../src/node/iterate.js';
import { FIN, Opcode, Role } from '../src/spec/frame.js';
import { MAX_PONGS } from '../src/spec/limits.js';
import { plainValues } from '../src/values/values.js';
import { fiftyfold } from './support/growth.js';

/** See `fiftyfold`. */
const LINEAR = 500;
const LENGTH = 2_500;
const TEXT = FIN | Opcode.Text;

describe('work grows with the length of a list, not with its square:', () => {
  test('frames that wait for the deflater', () => {
    const growth = fiftyfold((length) => {
      const deflater: Deflater = { deflate: () => LATER, close() {} };
      const outbound = new Outbound(new FrameEncoder({ role: Role.Server }), plainValues, deflater);
      const payload = Uint8Array.of(1);
      return () => {
        for (let at = 0; at < length; at++) outbound.frame(TEXT, 'a', true, true, false);
        while (outbound.waiting > 0) outbound.deflated(payload);
      };
    }, LENGTH);
    expect(growth).toBeLessThan(LINEAR);
  });

  test('frames behind one that waits for the deflater', () => {
    const growth = fiftyfold((length) => {
      const deflater: Deflater = { deflate: () => LATER, close() {} };
      const outbound = new Outbound(new FrameEncoder({ role: Role.Server }), plainValues, deflater);
      const payload = Uint8Array.of(1);
      return () => {
        outbound.frame(TEXT, payload, true, true, false);
        for (let at = 0; at < length; at++) outbound.frame(TEXT, 'a', false, true, false);
        outbound.deflated(payload);
      };
    }, LENGTH);
    expect(growth).toBeLessThan(LINEAR);
  });

  test('chunks that wait for the decoder', () => {
    const growth = fiftyfold((length) => {
      const decoder = new FrameDecoder({ role: Role.Client });
      const chunk = Uint8Array.of(FIN | Opcode.Text, 1, 0x41);
      return () => {
        for (let at = 0; at < length; at++) decoder.push(chunk);
        while (decoder.next());
      };
    }, LENGTH);
    expect(growth).toBeLessThan(LINEAR);
  });

  test('pings of one read, and the answers to them', () => {
    const ping = Uint8Array.of(FIN | Opcode.Ping, 0x80 | 4, 0, 0, 0, 0, 1, 2, 3, 4);
    const growth = fiftyfold((length) => {
      const chunk = new Uint8Array(length * ping.length);
      for (let at = 0; at < chunk.length; at += ping.length) chunk.set(ping, at);
      const connection = new Connection({ role: Role.Server });
      return () => {
        let [pings, written] = [0, 0];
        connection.receive(chunk);
        while (connection.next() !== undefined) pings++;
        for (const { length: bytes } of connection.takeOutput()) written += bytes;
        expect(pings).toBe(length);
        // However many they are, only so many are answered, and the last.
        expect(written).toBeLessThanOrEqual((MAX_PONGS + 1) * 6);
      };
    }, LENGTH);
    expect(growth).toBeLessThan(LINEAR);
  });

  test('sends behind a Blob', async () => {
    const sent: number[] = [];
    for (const length of [LENGTH, 50 * LENGTH, LENGTH, 50 * LENGTH]) {
      const gate = new BlobGate({ isOpen: () => true, waits() {}, passed() {}, failed() {} });
      let count = 0;
      // The second Blob has everything wait once more.
      gate.read(new Blob(['a']), undefined, () => count++);
      gate.read(new Blob(['b']), undefined, () => count++);
      for (let at = 0; at < length; at++) gate.wait(1, undefined, () => count++);
      const start = process.cpuUsage();
      while (gate.isShut) await new Promise((resolve) => setImmediate(resolve));
      const { user, system } = process.cpuUsage(start);
      expect([count, gate.bytes]).toEqual([length + 2, 0]);
      sent.push(user + system);
    }
    expect(Math.min(sent[1], sent[3]) / Math.min(sent[0], sent[2])).toBeLessThan(LINEAR);
  });

  test('messages that wait for an iterator', () => {
    const growth = fiftyfold((length) => {
      const websocket = new EventEmitter() as EventEmitter & IterableWebSocket;
      Object.assign(websocket, { readyState: 1, isPaused: false, pause() {}, resume() {} });
      const messages = iterate<number>(websocket);
      return () => {
        for (let at = 0; at < length; at++) websocket.emit('message', at, true);
        for (let at = 0; at < length; at++) void messages.next();
      };
    }, LENGTH);
    expect(growth).toBeLessThan(LINEAR);
  });
});
