// The echo server of `wsimd serve`, and its page as a person with a browser finds it.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, ElementHandle, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { serve } from '../../src/cli/serve.js';
import { launchChromium } from '../support/chromium.js';
import { WebSocket as OurWebSocket } from '../../src/index.js';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';
import { startServing, type Serving } from '../support/serving.js';

const silent = { out: () => undefined, err: () => undefined, columns: undefined };

describe('the command', () => {
  test('--help explains every option', async () => {
    let said = '';
    const terminal = { ...silent, out: (text: string) => (said += text) };
    expect(await serve(['--help'], terminal, new AbortController().signal)).toBe(0);
    for (const option of [
      '--host',
      '--port',
      '--max-payload',
      '--deflate',
      '--allow-origin',
      '--cert',
      '--key',
      '--http2',
    ])
      expect(said).toContain(option);
  });

  test.each([
    [['--nonsense'], /^wsimd serve: Unknown option '--nonsense'; the options are in wsimd serve --help\.$/],
    [['--port', 'http'], /^--port takes a whole number from 0 to 65535, not "http"\.$/],
    [['--port', '65536'], /^--port takes a whole number/],
    [['--allow-origin', 'localhost'], /^--allow-origin takes an origin, such as .*, or \*, not "localhost"\.$/],
    [['--allow-origin', 'http://here/'], /^--allow-origin takes an origin/],
    [['--max-payload', '0'], /^--max-payload takes a whole number from 1 to/],
    [['--http2'], /^--http2 needs --cert and --key/],
    [['--cert', 'x'], /^--cert and --key go together\.$/],
    [['--cert', 'no-file', '--key', 'no-file'], /^Cannot read no-file: .*ENOENT.*\.$/],
    [
      ['--cert', 'package.json', '--key', 'package.json'],
      /^The certificate or its key cannot be used: one of the files is no PEM of its kind\.$/,
    ],
    [['extra'], /^wsimd serve: [^.]+\.$/],
    [['--port', '0', '--host', '192.0.2.1'], /^Cannot listen on 192\.0\.2\.1, port 0: [^\n]+\.$/],
  ])('%j is refused in one sentence', async (args, sentence) => {
    await expect(serve(args, silent, new AbortController().signal)).rejects.toThrow(
      expect.objectContaining({ name: 'CommandError', message: expect.stringMatching(sentence) as string }),
    );
  });

  test('a port in use is told, and what to do', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    try {
      await expect(serve(['--port', String(port)], silent, new AbortController().signal)).rejects.toThrow(
        new RegExp(
          `^Cannot listen on 127\\.0\\.0\\.1, port ${port}: .*EADDRINUSE.*\\. Give --port another port; 0 is any free one\\.$`,
        ),
      );
    } finally {
      holder.close();
    }
  });
});

describe('the server', () => {
  let serving: Serving;
  beforeEach(async () => {
    serving = await startServing();
  });
  afterEach(() => serving.stop());

  test('lets no page of another site connect, and shows itself under no rebound name', async () => {
    const { port } = serving;
    const refused = (headers: Record<string, string>): Promise<string> =>
      new Promise((resolve) => {
        const socket = new WebSocket(serving.ws, { headers });
        socket.on('error', (error) => resolve(error.message));
        socket.on('open', () => {
          socket.close();
          resolve('open');
        });
      });
    expect(await refused({ origin: 'http://evil.example' })).toBe('Unexpected server response: 403');
    expect(await refused({ host: `evil.example:${port}`, origin: `http://evil.example:${port}` })).toContain('403');
    expect(await refused({ origin: `http://127.0.0.1:${port}` })).toBe('open');
    expect(await refused({})).toBe('open');
    const status = await new Promise((resolve) =>
      request({ port, host: '127.0.0.1', headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end(),
    );
    expect(status).toBe(403);
  });

  test('says in one line where it listens and which kernels run', () => {
    expect(serving.line).toMatch(/^Echoing on ws:\/\/127\.0\.0\.1:\d+\/ \(kernels: [\w-]+\)\. Page: http:\/\/\S+\/\n$/);
  });

  test('7.4.1 closes its connections with 1001 when it is ended, and exits with 0', async () => {
    const socket = new WebSocket(serving.ws);
    await new Promise((resolve) => socket.once('open', resolve));
    const code = new Promise((resolve) => socket.once('close', resolve));
    expect(await serving.stop()).toBe(0);
    expect(await code).toBe(1001);
  });

  test('ends although a peer does not answer its Close', async () => {
    const socket = new WebSocket(serving.ws);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.pause();
    expect(await serving.stop()).toBe(0);
    socket.terminate();
  });

  test.each(['/nothing', '/favicon.ico', '/statistics', '/statistics?id=0', '//', '/%', '/?id=%'])(
    'answers GET %s as what it is',
    async (path) => {
      const status = await new Promise((resolve, reject) => {
        request({ port: serving.port, host: '127.0.0.1', path }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
      expect(status).toBe(path.startsWith('/?') ? 200 : 404);
    },
  );

  test('answers only GET', async () => {
    const asked = request(serving.http, { method: 'POST' }).end('text');
    const [response] = await once(asked, 'response');
    response.resume();
    expect(response.statusCode).toBe(404);
  });

  test('echoes on any path', async () => {
    const socket = new WebSocket(`${serving.ws}any/path?query`);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send('text');
    const echo = await new Promise((resolve) =>
      socket.once('message', (data, binary) => resolve([(data as Buffer).toString(), binary])),
    );
    expect(echo).toEqual(['text', false]);
    socket.close();
  });
});

test('--max-payload is the longest message', async () => {
  const serving = await startServing(['--max-payload', '100']);
  const socket = new WebSocket(serving.ws);
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(Buffer.alloc(101));
  expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(1009);
  await serving.stop();
});

test('RFC 7692 --deflate compresses for peers that offer it, and nothing else does', async () => {
  for (const [args, extensions] of [
    [['--deflate'], 'permessage-deflate'],
    [[], ''],
  ] as const) {
    const serving = await startServing([...args]);
    const socket = new WebSocket(serving.ws, { perMessageDeflate: true });
    await new Promise((resolve) => socket.once('open', resolve));
    expect(socket.extensions).toBe(extensions);
    await serving.stop();
  }
});

describe('RFC 8441 --http2', () => {
  let directory: string;
  let serving: Serving;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wsimd-http2-'));
    writeFileSync(join(directory, 'cert.pem'), CERTIFICATE);
    writeFileSync(join(directory, 'key.pem'), KEY);
    const tls = ['--cert', join(directory, 'cert.pem'), '--key', join(directory, 'key.pem')];
    serving = await startServing([...tls, '--http2', '--deflate']);
  });
  afterAll(async () => {
    expect(await serving.stop()).toBe(0);
    rmSync(directory, { recursive: true });
  });

  test.each([true, false])('echoes, over HTTP/2: %s', async (http2) => {
    expect(serving.line).toMatch(/^Echoing on wss:.*Page: https:/);
    const socket = new OurWebSocket(serving.ws, { http2, rejectUnauthorized: false });
    socket.on('open', () => socket.send('text'));
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(String(data)).toBe('text');
    socket.close();
    await once(socket, 'close');
  });

  test('shows Chromium its page, whose WebSocket is a stream of the same session', async () => {
    const browser = await launchChromium(['--ignore-certificate-errors']);
    if (browser === undefined) return;
    const page = await browser.newPage();
    const client = await page.createCDPSession();
    await client.send('Network.enable');
    const statuses: number[] = [];
    client.on('Network.webSocketHandshakeResponseReceived', ({ response }) => void statuses.push(response.status));
    await page.goto(serving.http);
    await page.waitForSelector('#state[data-state="open"]');
    expect(await page.evaluate('performance.getEntriesByType("navigation")[0].nextHopProtocol')).toBe('h2');
    await page.click('#burst');
    await page.waitForFunction(`document.getElementById('burst-result').innerText.includes('messages/s')`);
    // Over HTTP/1.1 it would be 101.
    expect(statuses).toEqual([200]);
    await browser.close();
  });
});

describe('the page', () => {
  let browser: Browser | undefined;
  let serving: Serving;
  let directory: string;
  let pictures: string;

  beforeAll(async () => {
    browser = await launchChromium();
    serving = await startServing();
    directory = mkdtempSync(join(tmpdir(), 'wsimd-page-'));
    pictures = process.env.WSIMD_PICTURES ?? directory;
  });
  afterAll(async () => {
    await browser?.close();
    await serving.stop();
    rmSync(directory, { recursive: true });
  });

  /** Opens the page, with everything that the browser complains about or asks elsewhere for gathered in `faults`. */
  async function open(
    { width, dark = false }: { width: number; dark?: boolean },
    look: (page: Page) => Promise<void>,
  ): Promise<void> {
    if (browser === undefined) return;
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => faults.push(message.text()));
    page.on('request', (asked) => {
      if (!asked.url().startsWith(serving.http) && !asked.url().startsWith('data:')) faults.push(asked.url());
    });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]);
    await page.setViewport({ width, height: 900 });
    await page.goto(serving.http);
    await page.waitForSelector('#state[data-state="open"]');
    await look(page);
    expect(faults).toEqual([]);
    await page.close();
  }

  const textOf = (page: Page, selector: string): Promise<string> =>
    page.$eval(selector, (element) => (element as unknown as { innerText: string }).innerText);

  /** The first echo listed, once there are this many. */
  async function echo(page: Page, count: number): Promise<string> {
    await page.waitForFunction(`document.querySelectorAll('#echoes li').length === ${count}`);
    return textOf(page, '#echoes li');
  }

  async function sendText(page: Page, text: string): Promise<void> {
    await page.$eval('#text', (element) => ((element as unknown as { value: string }).value = ''));
    if (text !== '') await page.type('#text', text);
    await page.click('#text-form button:not([type])');
  }

  /** Waits until the counter of this row says so, received and sent. */
  async function counted(page: Page, row: string, value: string): Promise<void> {
    await page.waitForFunction(
      `[...document.querySelectorAll('tr')].some((row) => row.innerText.replaceAll(/\\s+/g, ' ') === '${row} ${value} ${value}')`,
    );
  }

  test('echoes text, files and empty messages, and counts them', async () => {
    await open({ width: 1100 }, async (page) => {
      await sendText(page, 'Grüße <b>');
      expect(await echo(page, 1)).toMatch(/^text · 11 bytes · [\d.]+ ms · as sent\s+Grüße <b>$/);
      await sendText(page, '');
      expect(await echo(page, 2)).toMatch(/^text · 0 bytes · [\d.]+ ms · as sent$/);
      const file = join(directory, 'file.bin');
      writeFileSync(file, Buffer.from([0, 1, 2, 0xff]));
      await ((await page.$('#file')) as ElementHandle<HTMLInputElement>).uploadFile(file);
      await page.click('#file-form button');
      expect(await echo(page, 3)).toMatch(/^binary · 4 bytes · [\d.]+ ms · as sent\s+00 01 02 ff$/);
      writeFileSync(file, Buffer.alloc(1_000_000, 7));
      await ((await page.$('#file')) as ElementHandle<HTMLInputElement>).uploadFile(file);
      await page.click('#file-form button');
      expect(await echo(page, 4)).toMatch(/^binary · 1,000,000 bytes · [\d.]+ ms · as sent\s+07 [07 ]+…$/);
      await counted(page, 'Messages', '4');
      await counted(page, 'Payload bytes', '1,000,015');
      await counted(page, 'Text frames', '2');
      await counted(page, 'Binary frames', '2');
      expect(await textOf(page, '#trips')).toMatch(
        /^last [\d.]+ ms · median [\d.]+ ms · longest [\d.]+ ms, over 4 messages$/,
      );
      expect(await page.$$eval('#chart polyline', ([line]) => line.getAttribute('points')?.split(' ').length)).toBe(4);
    });
  });

  test('sends a burst and says how fast it was', async () => {
    await open({ width: 1100 }, async (page) => {
      await page.click('#burst');
      await page.waitForFunction(`document.getElementById('burst-result').innerText.includes('messages/s')`);
      expect(await textOf(page, '#burst-result')).toMatch(
        /^1,000 messages there and back in [\d.]+ s: [\d,]+ messages\/s$/,
      );
      await counted(page, 'Messages', '1,000');
      await counted(page, 'Payload bytes', '125,000');
      expect(await page.$('#echoes li')).toBeNull();
    });
  });

  test('7.4.1 disconnects with 1000, counts the Close frames, and connects anew', async () => {
    await open({ width: 1100 }, async (page) => {
      await page.click('#connect');
      await page.waitForSelector('#state[data-state="closed"]');
      expect(await textOf(page, '#state')).toBe('Closed with code 1000');
      expect(await page.$$('[data-sends]:disabled')).toHaveLength(3);
      await counted(page, 'Close frames', '1');
      await page.click('#connect');
      await page.waitForSelector('#state[data-state="open"]');
      await counted(page, 'Close frames', '0');
    });
  });

  test('is of use with the keyboard alone', async () => {
    await open({ width: 1100 }, async (page) => {
      await page.focus('#text');
      await page.keyboard.press('End');
      await page.keyboard.type('!');
      await page.keyboard.down('Control');
      await page.keyboard.press('Enter');
      await page.keyboard.up('Control');
      expect(await echo(page, 1)).toContain('Hello!');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Space');
      await page.waitForFunction(`document.querySelectorAll('#echoes li').length > 3`);
      expect(await page.$eval('#repeat', (button) => button.getAttribute('aria-pressed'))).toBe('true');
    });
  });

  test.each([
    { name: 'desktop', width: 1100 },
    { name: 'phone-dark', width: 360, dark: true },
  ])('fits $name', async ({ name, ...view }) => {
    await open(view, async (page) => {
      for (let count = 0; count < 12; count++) await sendText(page, 'echo');
      await page.waitForFunction(`document.querySelectorAll('#echoes li').length >= 12`);
      await sendText(page, `A long line without a blank: ${'x'.repeat(400)}`);
      await page.click('#burst');
      await page.waitForFunction(`document.getElementById('burst-result').innerText.includes('messages/s')`);
      await page.waitForFunction(`document.querySelector('[data-count="messages"]').innerText.includes('1,0')`);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(view.width);
      await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    });
  });
});
