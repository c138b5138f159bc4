// Our server with Chromium at the other end: its echoes, in fragments and with pings between them. And the codec in a page.
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from '../../src/index.js';
import { launchChromium } from '../support/chromium.js';
import { readDocument } from '../support/documents.js';

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

describe('the page of docs/codec.md, with its script and the package from a server of files', () => {
  const page = readDocument('docs/codec.md');
  const FILES: Readonly<Record<string, string>> = {
    '/': /^```html\n([^]*?)^```$/m.exec(page)![1],
    '/codec-page.js': /^```js\n\/\/ codec-page.js\n([^]*?)^```$/m.exec(page)![1],
  };
  const PACKAGE = /^\/node_modules\/wsimd\/(dist\/[\w-]+\.js)$/;
  const built = (file: string): URL => new URL(`../../${file}`, import.meta.url);

  test.each([undefined, "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"])(
    'shows frames under the policy %s',
    async (policy) => {
      if (browser === undefined) return;
      if (!existsSync(built('dist/sans-io.js'))) return console.log('not run: dist/ is not built');
      const server = createServer(({ url = '' }, response) => {
        if (policy !== undefined) response.setHeader('Content-Security-Policy', policy);
        response.setHeader('Content-Type', url === '/' ? 'text/html' : 'text/javascript');
        const file = PACKAGE.exec(url)?.[1];
        const text = FILES[url] ?? (file === undefined ? undefined : readFileSync(built(file), 'utf8'));
        response.writeHead(text === undefined ? 404 : 200).end(text);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const tab = await browser.newPage();
      await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const shown = await tab.evaluate(`document.querySelector('pre').textContent`);
      expect(shown).toBe(
        [
          'at 0: text, 5 bytes "Hello", masked',
          'at 11: text, 2 bytes "ä", to be continued',
          'at 15: ping, 0 bytes ""',
          'at 17: continuation, 1 bytes "!"',
        ].join('\n'),
      );
      await tab.close();
      server.close();
    },
  );
});
