// Our server with Chromium at the other end: its echoes, in fragments and with pings between them.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from '../../src/index.js';
import { launchChromium } from '../support/chromium.js';

const FRAGMENTS = 3;

/** Runs in the browser: sends each message once the one before has come back, and tells which came back as they were sent. */
const CONVERSE = String.raw`(url) => new Promise((resolve) => {
  const octets = (length) => Uint8Array.from({ length }, (_, at) => at * 7 + (at >>> 8));
  const text = (length) => '\u{1f600}é€x'.repeat(length / 10) + 'x'.repeat(length % 10);
  const messages = [0, 10, 64 * 1024, 16 * 1024 * 1024].flatMap((length) => [text(length), octets(length)]);
  const same = (sent, echo) => typeof sent === 'string'
    ? sent === echo
    : echo.byteLength === sent.length && new Uint8Array(echo).every((octet, at) => octet === sent[at]);
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const verdicts = [];
  socket.onopen = () => socket.send(messages[0]);
  socket.onmessage = ({ data }) => {
    verdicts.push(same(messages[verdicts.length], data));
    if (verdicts.length < messages.length) socket.send(messages[verdicts.length]);
    else socket.close(1000, 'done');
  };
  socket.onclose = ({ code, reason, wasClean }) => {
    resolve({ verdicts, code, reason, wasClean, extensions: socket.extensions });
  };
})`;

let browser: Browser | undefined;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

describe.each([
  { compression: 'plain', extensions: '', perMessageDeflate: false },
  { compression: 'deflate', extensions: 'permessage-deflate', perMessageDeflate: { threshold: 0 } },
])('$compression', ({ extensions, perMessageDeflate }) => {
  test('Chromium gets everything back as it was sent, and answers every ping', { timeout: 120_000 }, async () => {
    if (browser === undefined) return;
    let pings = 0;
    let pongs = 0;
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
    server.on('connection', (socket: WebSocket) => {
      socket.on('pong', () => pongs++);
      socket.on('message', (data: Buffer, binary: boolean) => {
        for (let at = 0; at < FRAGMENTS; at++) {
          const part = data.subarray((data.length * at) / FRAGMENTS, (data.length * (at + 1)) / FRAGMENTS);
          socket.send(part, { binary, fin: at === FRAGMENTS - 1 });
          socket.ping(String(pings++));
        }
      });
    });
    await once(server, 'listening');
    const page = await browser.newPage();
    const told = await page.evaluate(`(${CONVERSE})('ws://127.0.0.1:${(server.address() as AddressInfo).port}/')`);
    expect(told).toEqual({
      verdicts: Array.from({ length: 8 }, () => true),
      code: 1000,
      reason: 'done',
      wasClean: true,
      extensions,
    });
    expect(pongs).toBe(pings);
    await page.close();
    server.close();
  });
});
