// Browsers and Deno ask for WebSockets over HTTP/2 by themselves (RFC 8441), and our server answers them.
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from '../../src/index.js';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

interface Served {
  port: number;
  /** The version of HTTP, the extensions and the subprotocol of each connection, and its code at the end. */
  told: unknown[][];
  sessions: () => number;
}

/** A page and an echo on one port; with `both`, HTTP/1.1 too. */
async function serve(both: boolean): Promise<Served> {
  const server = http2.createSecureServer({ cert: CERTIFICATE, key: KEY, allowHTTP1: both }, (_request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>page</title>');
  });
  server.on('sessionError', () => {});
  let sessions = 0;
  const open = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => {
    sessions++;
    open.add(session);
  });
  const told: unknown[][] = [];
  const wss = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
  wss.on('connection', (websocket: WebSocket, { httpVersion }) => {
    websocket.on('message', (data, binary) => websocket.send(data, { binary }));
    websocket.on('close', (code) => told.push([httpVersion, websocket.extensions, websocket.protocol, code]));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.unshift(() => {
    for (const session of open) session.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, told, sessions: () => sessions };
}

/** Runs in the client: three sockets at once, each sends and closes when it has the echo. */
const CONVERSE = `(url) => Promise.all([1, 2, 3].map(() => new Promise((resolve) => {
  const socket = new WebSocket(url, 'chat');
  socket.onopen = () => socket.send('hello'.repeat(20_000));
  socket.onmessage = ({ data }) => socket.close(4000, String(data.length));
  socket.onclose = ({ code, reason, wasClean }) => resolve([code, reason, wasClean].join());
})))`;
const OUTCOMES = Array.from({ length: 3 }, () => '4000,100000,true');

const BROWSERS = [
  {
    name: 'Chromium',
    paths: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
    debianPackage: 'chromium',
    launch: { args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'] },
  },
  {
    name: 'Firefox',
    paths: ['/usr/bin/firefox-esr', '/usr/bin/firefox'],
    debianPackage: 'firefox-esr',
    launch: { browser: 'firefox', extraPrefsFirefox: { 'network.http.http2.websockets': true } },
  },
] as const;

describe.each(BROWSERS)('$name', ({ name, paths, debianPackage, launch }) => {
  test('opens sockets of a page on the session of the page, with deflate', async () => {
    const executablePath = paths.find((path) => existsSync(path));
    if (executablePath === undefined) {
      return console.log(`not run: there is no ${name} here (Debian package ${debianPackage})`);
    }
    const { port, told, sessions } = await serve(true);
    const browser = await puppeteer.launch({ ...(launch as object), executablePath, acceptInsecureCerts: true });
    endings.unshift(() => browser.close());
    const page = await browser.newPage();
    await page.goto(`https://localhost:${port}/`);
    expect(await page.evaluate(`(${CONVERSE})('wss://localhost:${port}/')`)).toEqual(OUTCOMES);
    await vi.waitUntil(() => told.length === 3, { timeout: 10_000 });
    expect(told).toEqual(Array.from({ length: 3 }, () => ['2.0', 'permessage-deflate', 'chat', 4000]));
    expect(sessions()).toBe(1);
  });
});

describe('Deno', () => {
  // Where HTTP/1.1 is offered, it takes that. Bun has no WebSocket over HTTP/2: it offers no "h2" in TLS.
  test('opens sockets over HTTP/2 where nothing else is offered, without deflate', async () => {
    if (spawnSync('deno', ['--version']).error !== undefined) {
      return console.log('not run: there is no deno on the PATH (npm package deno)');
    }
    const directory = mkdtempSync(join(tmpdir(), 'wsimd-deno-'));
    endings.unshift(() => rmSync(directory, { recursive: true }));
    const { port, told } = await serve(false);
    const program = join(directory, 'client.js');
    writeFileSync(program, `(${CONVERSE})('wss://localhost:${port}/').then((all) => console.log(all.join(' ')));`);
    const flags = ['run', '--allow-net', '--quiet', '--unsafely-ignore-certificate-errors'];
    const text = await new Promise<string>((resolve, reject) => {
      execFile('deno', [...flags, program], (error, stdout) => (error ? reject(error) : resolve(stdout)));
    });
    expect(text.trim().split(' ')).toEqual(OUTCOMES);
    await vi.waitUntil(() => told.length === 3, { timeout: 10_000 });
    expect(told).toEqual(Array.from({ length: 3 }, () => ['2.0', '', 'chat', 4000]));
  });
});
