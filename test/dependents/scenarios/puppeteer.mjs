// puppeteer-core drives Chromium through ws, and a page of that Chromium talks to a WebSocketServer.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import http from 'node:http';
import puppeteer from 'puppeteer-core';
import { WebSocketServer } from 'ws';
import { event, finish, listening, textOf } from './support.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) =>
  existsSync(file),
);
if (CHROMIUM === undefined) finish('not run: there is no Chromium here (Debian package chromium)', []);
const browser = await puppeteer.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
assert.match(browser.wsEndpoint(), /^ws:/);
const page = await browser.newPage();
const logged = event(page, 'console');
await page.setContent('<h1>é</h1><script>console.log("out")</script>');
assert.equal((await logged)[0].text(), 'out');
assert.equal(await page.$eval('h1', (heading) => heading.textContent), 'é');
for (const length of [1, 70_000, 3_000_000]) {
  const text = 'é'.repeat(length);
  assert.ok((await page.evaluate((given) => given, text)) === text);
}
const doubled = await Promise.all(Array.from({ length: 200 }, (_, at) => page.evaluate((n) => n * 2, at)));
assert.equal(doubled.at(-1), 398);
await page.exposeFunction('twice', (n) => n * 2);
assert.equal(await page.evaluate(() => globalThis.twice(21)), 42);
assert.equal(Buffer.from(await page.screenshot()).toString('latin1', 1, 4), 'PNG');

const again = await puppeteer.connect({ browserWSEndpoint: browser.wsEndpoint() });
assert.equal((await again.pages()).length, 2);
await again.disconnect();

const httpServer = http.createServer((request, response) => response.end('<!doctype html>'));
const server = new WebSocketServer({ server: httpServer, perMessageDeflate: { threshold: 0 } });
const closed = [];
server.on('connection', (socket) => {
  socket.on('message', (data, binary) => {
    if (textOf(data) === 'close') socket.close(4123, 'é');
    else socket.send(data, { binary });
  });
  socket.on('close', (code, reason) => closed.push([code, String(reason)]));
});
const port = await listening(httpServer);
await page.goto(`http://127.0.0.1:${port}/`);
const told = await page.evaluate(async (url) => {
  const dial = async () => {
    const socket = new globalThis.WebSocket(url, ['first', 'second']);
    socket.binaryType = 'arraybuffer';
    await new Promise((resolve) => (socket.onopen = resolve));
    return socket;
  };
  const ending = (socket) =>
    new Promise((resolve) => (socket.onclose = ({ code, reason, wasClean }) => resolve([code, reason, wasClean])));
  const socket = await dial();
  const echoes = [];
  for (const message of ['', 'é', 'x'.repeat(1_000_000), new Uint8Array(300_000).fill(7)]) {
    const echo = new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(data)));
    socket.send(message);
    echoes.push((await echo).length ?? (await echo).byteLength);
  }
  const many = [];
  const all = new Promise((resolve) => {
    socket.onmessage = ({ data }) => many.push(data) === 2000 && resolve();
  });
  for (let at = 0; at < 2000; at++) socket.send(String(at));
  await all;
  const ordered = many.every((text, at) => text === String(at));
  const byServer = ending(socket);
  socket.send('close');
  const other = await dial();
  const byPage = ending(other);
  other.close(4000, 'mine');
  return [socket.protocol, socket.extensions, echoes, ordered, await byServer, await byPage];
}, `ws://127.0.0.1:${port}`);
assert.deepEqual(told, [
  'first',
  'permessage-deflate',
  [0, 1, 1_000_000, 300_000],
  true,
  [4123, 'é', true],
  [4000, 'mine', true],
]);
assert.deepEqual(
  closed.sort(([one], [two]) => two - one),
  [
    [4123, 'é'],
    [4000, 'mine'],
  ],
);

const lost = event(browser, 'disconnected');
browser.process().kill('SIGKILL');
await lost;
await assert.rejects(page.evaluate(() => 1));
finish('scripts, 3,000,000 characters, two connections, a page as client, a lost browser', ['puppeteer-core']);
