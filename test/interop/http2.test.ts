// WebSockets over HTTP/2 (RFC 8441) behind proxies, and asked for by a client, that others wrote.
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';
import { hasPython, PYTHON } from '../support/python.js';

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

const ASKED: readonly (readonly [name: string, value: string])[] = [
  [':method', 'CONNECT'],
  [':protocol', 'websocket'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'localhost'],
  ['sec-websocket-version', '13'],
];

type Asked = [string, string][];

/** The good request with fields changed, or left out where the value is undefined. */
function asked(changes: Record<string, string | undefined>, more: Asked = []): Asked {
  const fields = ASKED.map(([name, value]): [string, string | undefined] => [
    name,
    name in changes ? changes[name] : value,
  ]);
  return [...fields.filter((field): field is [string, string] => field[1] !== undefined), ...more];
}

/** RFC 9113 8.1.1: a malformed request is a stream error of the type PROTOCOL_ERROR. */
const MALFORMED = 'reset 1';

const REQUESTS: [name: string, fields: Asked, outcome: string][] = [
  ['a good request', asked({}), '200'],
  ['no :path', asked({ ':path': undefined }), MALFORMED],
  ['an empty :path', asked({ ':path': '' }), MALFORMED],
  ['a :path that begins with no slash', asked({ ':path': 'chat' }), MALFORMED],
  ['no :scheme', asked({ ':scheme': undefined }), MALFORMED],
  ['the :scheme ws', asked({ ':scheme': 'ws' }), '400 Missing or invalid :scheme'],
  ['no :authority', asked({ ':authority': undefined }), MALFORMED],
  ['two of :protocol', asked({}, [[':protocol', 'websocket']]), MALFORMED],
  ['an unknown :protocol', asked({ ':protocol': 'foo' }), '501 Unknown :protocol'],
  ['the method GET with a :protocol', asked({ ':method': 'GET' }), MALFORMED],
  ['a field of HTTP/1.1', asked({}, [['connection', 'Upgrade']]), MALFORMED],
  ['a name in upper case', asked({}, [['X-Upper', '1']]), MALFORMED],
  ['the version 12', asked({ 'sec-websocket-version': '12' }), '400 Missing or invalid Sec-WebSocket-Version header'],
  ['two versions', asked({}, [['sec-websocket-version', '13']]), '400 Missing or invalid Sec-WebSocket-Version header'],
  ['a body', asked({}, [['content-length', '5']]), '400 Request must not have a body'],
  ['a subprotocol twice', asked({}, [['sec-websocket-protocol', 'a, a']]), '400 Invalid Sec-WebSocket-Protocol header'],
];

describe('asked by python3-h2', () => {
  test('our server answers malformed requests with a status or a reset, and goes on', async () => {
    if (!hasPython('h2')) return;
    const versions: string[] = [];
    const port = await echoes(http2.createServer(), versions);
    const peer = fileURLToPath(new URL('http2_peer.py', import.meta.url));
    const text = await new Promise<string>((resolve, reject) => {
      const child = execFile(PYTHON, [peer, String(port)], (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
      child.stdin!.end(JSON.stringify(REQUESTS.map(([, fields]) => fields)));
    });
    const outcomes = (JSON.parse(text) as [string, string][]).map(([first, next], at) => [
      REQUESTS[at][0],
      first,
      next,
    ]);
    expect(outcomes).toEqual(REQUESTS.map(([name, , outcome]) => [name, outcome, '200']));
    expect(versions).toHaveLength(REQUESTS.length + 1);
  });
});
