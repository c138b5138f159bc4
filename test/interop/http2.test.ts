// WebSockets over HTTP/2 (RFC 8441) behind proxies that others wrote, and our conformance cases over streams.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** An echo server; its version of HTTP is told for each connection. */
async function echoes(server: http.Server | http2.Http2Server, versions: string[]): Promise<number> {
  const wss = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
  wss.on('connection', (websocket: WebSocket, { httpVersion }: http.IncomingMessage) => {
    versions.push(httpVersion);
    websocket.on('error', () => {});
    websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
  });
  endings.push(() => wss.clients!.forEach((websocket) => websocket.terminate()));
  return listen(server);
}

/** Whether a program is there; where it is not, says so. */
function has(program: string, debianPackage: string): boolean {
  if (spawnSync(program, ['-v']).error === undefined) return true;
  console.log(`not run: there is no ${program} here (Debian package ${debianPackage})`);
  return false;
}

/** Starts a proxy, which ends with the test, and waits until it listens. */
async function startProxy(command: string, args: string[], port: number): Promise<void> {
  const child: ChildProcess = spawn(command, args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  endings.unshift(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  for (let isUp = false; !isUp;) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    const socket = net.connect(port, '127.0.0.1');
    isUp = await new Promise((resolve) => {
      socket.on('connect', () => resolve(true));
      socket.on('error', () => setTimeout(resolve, 20, false));
    });
    socket.destroy();
  }
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'wsimd-proxy-'));
  endings.push(() => rmSync(path, { recursive: true }));
  writeFileSync(join(path, 'both.pem'), CERTIFICATE + KEY);
  writeFileSync(join(path, 'cert.pem'), CERTIFICATE);
  writeFileSync(join(path, 'key.pem'), KEY);
  return path;
}

/** A conversation with a compressed message of 200 kB; tells whether it went over a stream. */
async function converse(address: string, overHttp2: boolean): Promise<{ length: number; code: number; kind: string }> {
  const websocket = new WebSocket(address, { http2: overHttp2, rejectUnauthorized: false });
  websocket.on('open', () => websocket.send('wsimd'.repeat(40_000)));
  const [data] = (await once(websocket, 'message')) as [Buffer];
  const kind = websocket._socket!.constructor.name;
  websocket.close(4000);
  const [code] = (await once(websocket, 'close')) as [number];
  return { length: data.length, code, kind };
}

const STREAM = { length: 200_000, code: 4000, kind: 'ClientHttp2Stream' };

describe('behind HAProxy', () => {
  test('from HTTP/2 to HTTP/2, from HTTP/2 to HTTP/1.1, and from HTTP/1.1 to HTTP/2', async () => {
    if (!has('haproxy', 'haproxy')) return;
    const versions: string[] = [];
    const two = await echoes(http2.createServer(), versions);
    const one = await echoes(http.createServer(), versions);
    const path = directory();
    const [toTwo, toOne, plain] = [await freePort(), await freePort(), await freePort()];
    const config = join(path, 'haproxy.cfg');
    writeFileSync(
      config,
      `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend to-two
  bind 127.0.0.1:${toTwo} ssl crt ${path}/both.pem alpn h2,http/1.1
  default_backend two
frontend to-one
  bind 127.0.0.1:${toOne} ssl crt ${path}/both.pem alpn h2,http/1.1
  default_backend one
frontend plain
  bind 127.0.0.1:${plain}
  default_backend two
backend two
  server s 127.0.0.1:${two} proto h2
backend one
  server s 127.0.0.1:${one}
`,
    );
    await startProxy('haproxy', ['-f', config], plain);
    expect(await converse(`wss://127.0.0.1:${toTwo}/`, true)).toEqual(STREAM);
    expect(await converse(`wss://127.0.0.1:${toOne}/`, true)).toEqual(STREAM);
    expect(await converse(`ws://127.0.0.1:${plain}/`, false)).toEqual({ ...STREAM, kind: 'Socket' });
    expect(versions).toEqual(['2.0', '1.1', '2.0']);
  });
});

describe('behind nghttpx', () => {
  test('from HTTP/2 to HTTP/1.1', async () => {
    if (!has('nghttpx', 'nghttp2-proxy')) return;
    const versions: string[] = [];
    const one = await echoes(http.createServer(), versions);
    const path = directory();
    const port = await freePort();
    const args = ['--conf=/dev/null', `-f127.0.0.1,${port}`, `-b127.0.0.1,${one};/`, '--no-ocsp'];
    await startProxy('nghttpx', [...args, `--errorlog-file=${path}/log`, `${path}/key.pem`, `${path}/cert.pem`], port);
    expect(await converse(`wss://127.0.0.1:${port}/`, true)).toEqual(STREAM);
    expect(versions).toEqual(['1.1']);
  });
});
