// The page of `wsimd proxy` as a person with a browser finds it.
import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { launchChromium } from '../support/chromium.js';
import { startProxying, type Proxying } from '../support/proxying.js';
import { encodeFrame } from '../support/raw-peer.js';

let browser: Browser | undefined;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

async function start(): Promise<Proxying> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  await once(server, 'listening');
  const proxying = await startProxying(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, [
    '--page',
    '0',
    '--quiet',
  ]);
  onTestFinished(async () => {
    await proxying.stop();
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return proxying;
}

/** Clients send a few messages, and one of them a frame that breaks a rule. */
async function talk({ url }: Proxying): Promise<void> {
  const client = new WebSocket(`${url}/chat`, { perMessageDeflate: { threshold: 0 } });
  await once(client, 'open');
  client.send('{"type":"greeting","to":["you","me"],"count":3}');
  client.send(Buffer.from('<b>\u202ebytes</b>'), { fin: false });
  client.send(Buffer.alloc(400, 1));
  client.ping('there?');
  await once(client, 'pong');
  client.close(1000, 'bye');
  await once(client, 'close');
  const odd = new WebSocket(`${url}/odd`, { perMessageDeflate: false });
  odd.on('error', () => undefined);
  await once(odd, 'open');
  // oxlint-disable-next-line no-underscore-dangle -- ws has this name
  (odd as unknown as { _socket: { write(data: Buffer): void } })._socket.write(encodeFrame({ payload: 'unmasked' }));
  await once(odd, 'close');
}

const textsOf = (page: Page, selector: string): Promise<string[]> =>
  page.$$eval(selector, (nodes) => nodes.map((node) => node.textContent ?? ''));

it('shows messages, the wire log and each content, and pauses', { timeout: 60_000 }, async () => {
  if (browser === undefined) return;
  const proxying = await start();
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.setViewport({ width: 1280, height: 800 });
  await page.goto(proxying.page);
  await talk(proxying);
  const contents = (): Promise<string[]> => textsOf(page, '#messages td.content');
  await expect.poll(contents).toContain('1000 (it is done): bye');
  await expect.poll(async () => (await contents()).join('\n')).toContain('MASK must be set (RFC 6455 5.1)  unmasked');
  const all = await contents();
  expect(all.filter((text) => text === '{"type":"greeting","to":["you","me"],"count":3}')).toHaveLength(2);
  expect(all).toContain('there?');
  expect(await textsOf(page, '#messages tr.broken td.kind')).toEqual(['text']);
  expect(await page.$eval('#state', ({ textContent }) => textContent)).toBe('Passing');

  await page.select('#connection', '1');
  expect((await contents()).join('\n')).not.toContain('unmasked');
  await page.type('#text', 'GREETING');
  expect(await contents()).toHaveLength(2);
  await page.click('#messages tr[data-id]');
  await expect
    .poll(() => textsOf(page, '#detail pre'))
    .toContain('{\n  "type": "greeting",\n  "to": [\n    "you",\n    "me"\n  ],\n  "count": 3\n}');
  expect((await textsOf(page, '#detail pre')).join('\n')).toMatch(
    /\d{3} TX FRAME : OPCODE=1, FIN=True, RSV=4, PAYLOAD-LEN=\d+, MASK=/,
  );
  if (process.env.WSIMD_SCREENSHOTS) await page.screenshot({ path: `${process.env.WSIMD_SCREENSHOTS}/messages.png` });
  await page.keyboard.press('Escape');
  await page.$eval('#text', (field) => ((field as HTMLInputElement).value = ''));
  await page.click('[data-view=wire]');
  const wire = (await textsOf(page, '#wire .line')).join('\n');
  expect(wire).toMatch(/#1 000 TX OCTETS: [0-9a-f]+/);
  expect(wire).toMatch(/RX FRAME : OPCODE=10, FIN=True, RSV=0, PAYLOAD-LEN=6, MASKED=False, MASK=None\n? +there\?/);
  expect(wire).not.toContain('\u202e');
  if (process.env.WSIMD_SCREENSHOTS) await page.screenshot({ path: `${process.env.WSIMD_SCREENSHOTS}/wire.png` });

  await page.click('#pause');
  await expect.poll(() => page.$eval('#state', ({ textContent }) => textContent)).toBe('Paused: nothing passes');
  const held = new WebSocket(proxying.url);
  held.on('error', () => undefined);
  const opened = once(held, 'open');
  expect(await Promise.race([opened, new Promise((resolve) => setTimeout(resolve, 150, 'nothing'))])).toBe('nothing');
  await page.click('#pause');
  await opened;
  held.terminate();
  // Who opens the page later sees what has passed.
  const later = await browser.newPage();
  await later.setViewport({ width: 390, height: 800 });
  await later.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
  await later.goto(proxying.page);
  await expect.poll(() => textsOf(later, '#messages td.content')).toContain('1000 (it is done): bye');
  if (process.env.WSIMD_SCREENSHOTS) await later.screenshot({ path: `${process.env.WSIMD_SCREENSHOTS}/phone.png` });
  expect(complaints).toEqual([]);
  await later.close();
  await page.close();
});

it('tells pages of other sites nothing', async () => {
  const proxying = await start();
  const refused = new WebSocket(proxying.page.replace('http', 'ws'), { origin: 'http://evil.example' });
  const [error] = (await once(refused, 'error')) as [Error];
  expect(error.message).toContain('403');
  const status = await new Promise((resolve) => {
    request(proxying.page, { headers: { host: 'evil.example' } }, (response) => resolve(response.statusCode)).end();
  });
  expect(status).toBe(403);
});

it('keeps the latest 5,000 rows of what passed while nobody had it open', async () => {
  const proxying = await start();
  const client = new WebSocket(proxying.url, { perMessageDeflate: false });
  await once(client, 'open');
  const count = 5000;
  let came = 0;
  client.on('message', () => came++);
  for (let at = 0; at < count; at++) client.send(`message ${at}`);
  await expect.poll(() => came, { timeout: 15_000 }).toBe(count);
  const page = new WebSocket(proxying.page.replace('http', 'ws'));
  const [greeting] = await once(page, 'message');
  page.terminate();
  const { rows } = JSON.parse(String(greeting)) as { rows: { id: number; wire?: { head: string } }[] };
  const last = rows.at(-1)!.id;
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, at) => last - 499 + at));
  // The first row says that the connection opened; each other one has a line of the wire log.
  expect(rows.every(({ id, wire }) => Number.parseInt(wire!.head, 10) === id - 2)).toBe(true);
  const rowOf = async (id: number): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${proxying.page}row?id=${id}`);
    return { status: response.status, text: await response.text() };
  };
  expect(await rowOf(last)).toMatchObject({
    status: 200,
    text: expect.stringContaining(`message ${count - 1}`) as string,
  });
  expect((await rowOf(last - 4999)).status).toBe(200);
  expect((await rowOf(last - 5000)).status).toBe(404);
  client.terminate();
});
