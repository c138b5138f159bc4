// `wsimd proxy` between real sockets: every byte passes as it is, broken frames too, and people see the frames.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as connectNet, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { proxy } from '../../src/cli/proxy/proxy.js';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';
import { startProxying, type Proxying } from '../support/proxying.js';
import { acceptFor, closeCode, encodeFrame, requestHead, responseHead } from '../support/raw-peer.js';
import { sayingTerminal } from '../support/terminal.js';

/** A server of plain sockets, given each; its address. */
async function rawServer(take: (socket: Socket) => void, tls?: { cert: string; key: string }): Promise<string> {
  const server = tls === undefined ? createServer({ allowHalfOpen: true }, take) : createTlsServer(tls, take);
  const sockets = new Set<Socket>();
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `${tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function echoServer(options: object = {}): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function through(target: string, args: string[] = []): Promise<Proxying> {
  const proxying = await startProxying(target, args);
  onTestFinished(async () => void (await proxying.stop()));
  return proxying;
}

/** A socket that keeps all that comes. */
class Keeper {
  received = Buffer.alloc(0);
  isOver = false;
  constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => (this.received = Buffer.concat([this.received, chunk])));
    socket.on('end', () => (this.isOver = true));
    socket.on('close', () => (this.isOver = true));
    socket.on('error', () => undefined);
  }
  async has(length: number): Promise<void> {
    while (this.received.length < length && !this.isOver) {
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    }
  }
}

/** Frames of a peer that breaks nearly every rule, and bytes that are no whole frame at the end. */
function brokenFrames(masked: boolean): Buffer {
  return Buffer.concat([
    encodeFrame({ payload: 'Hello', masked }),
    encodeFrame({ payload: 'fragment', fin: false, masked: !masked }),
    encodeFrame({ opcode: 2, rsv2: true, payload: Buffer.alloc(130, 7), lengthForm: 64, masked }),
    encodeFrame({ opcode: 0xb, rsv1: true, payload: 'x', masked }),
    encodeFrame({ opcode: 9, fin: false, payload: Buffer.alloc(200), masked }),
    encodeFrame({ payload: Buffer.from([0xff, 0xfe]), masked }),
    encodeFrame({ opcode: 8, payload: 'c', masked }),
    encodeFrame({ payload: 'after the Close', masked }),
    encodeFrame({ payload: 'cut', announce: 300, masked }).subarray(0, 9),
  ]);
}

describe('bytes', () => {
  /** Sends the broken stream both ways in two parts, cut at each place, and compares. */
  async function everyCut(args: string[]): Promise<void> {
    const [up, down] = [brokenFrames(true), brokenFrames(false)];
    const request = Buffer.from(requestHead());
    const response = Buffer.from(responseHead(requestHead()));
    let taken: (keeper: Keeper) => void = () => undefined;
    const target = await rawServer((socket) => taken(new Keeper(socket)));
    const { port } = await through(target, args);
    const play = async (cut: number): Promise<void> => {
      const server = new Promise<Keeper>((resolve) => (taken = resolve));
      const client = new Keeper(connectNet({ port, host: '127.0.0.1', allowHalfOpen: true }));
      client.socket.write(request);
      const own = await server;
      await own.has(request.length);
      own.socket.write(response);
      await client.has(response.length);
      client.socket.write(up.subarray(0, cut));
      own.socket.write(down.subarray(0, cut));
      // Where bytes are held until their header is whole, they come with the rest.
      if (!args.includes('--delay')) {
        await own.has(request.length + Math.min(cut, up.length));
        await client.has(response.length + Math.min(cut, down.length));
      }
      client.socket.write(up.subarray(cut));
      own.socket.write(down.subarray(cut));
      client.socket.end();
      own.socket.end();
      await Promise.all([own.has(Infinity), client.has(Infinity)]);
      expect(own.received.subarray(request.length).equals(up), `to the server, cut at ${cut}`).toBe(true);
      expect(client.received.subarray(response.length).equals(down), `to the client, cut at ${cut}`).toBe(true);
    };
    // Long payloads of zeros have no borders within them.
    for (let cut = 0; cut <= up.length; cut += cut > 40 && cut < 380 ? 17 : cut > 380 ? 3 : 1) await play(cut);
  }

  it('pass both ways as they are, broken frames at every cut too, while they are read', () =>
    everyCut(['--page', '0']));
  it('pass so where nobody looks', () => everyCut(['--quiet']));
  it('pass so where frames are told apart, to delay or drop them', () => everyCut(['--quiet', '--delay', '0']));

  it('pass before, without and after an upgrade: plain HTTP, a refusal, no HTTP at all', async () => {
    const target = await rawServer((socket) => {
      socket.on('data', () => socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno'));
    });
    const { port, said } = await through(target);
    const client = new Keeper(connectNet({ port, host: '127.0.0.1' }));
    client.socket.write('GET /page HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.has(47);
    expect(client.received.toString()).toMatch(/^HTTP\/1\.1 404[^]*no$/);
    const odd = new Keeper(connectNet({ port, host: '127.0.0.1' }));
    odd.socket.write('\0\u0001no HTTP\r\n\r\n');
    await odd.has(47);
    client.socket.destroy();
    odd.socket.destroy();
    await expect
      .poll(() => said.out)
      .toContain('GET /page is answered with 404 Not Found; its bytes pass unread. If the server wants');
    await expect
      .poll(() => said.out)
      .toContain('The client asks for no WebSocket: Invalid character in head; its bytes pass unread.');
  });

  it('pass through TLS at both ends', async () => {
    const tls = { cert: CERTIFICATE, key: KEY };
    const directory = mkdtempSync(join(tmpdir(), 'wsimd-proxy-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, 'cert'), CERTIFICATE);
    writeFileSync(join(directory, 'key'), KEY);
    const target = await rawServer((socket) => socket.on('data', (chunk: Buffer) => socket.write(chunk)), tls);
    const pem = ['--cert', join(directory, 'cert'), '--key', join(directory, 'key')];
    const secure = await through(target, ['--insecure', ...pem]);
    expect(secure.url).toMatch(/^wss:/);
    const client = new Keeper(connectTls({ port: secure.port, host: '127.0.0.1', rejectUnauthorized: false }));
    client.socket.write(requestHead());
    await client.has(requestHead().length);
    expect(client.received.toString()).toBe(requestHead());
    client.socket.destroy();
    const careful = await through(target);
    const refused = new Keeper(connectNet({ port: careful.port, host: '127.0.0.1' }));
    await refused.has(Infinity);
    await expect.poll(() => careful.said.out).toMatch(/Cannot connect to wss:\/\/127\.0\.0\.1:\d+: .*certificate/);
  });

  it('come no faster than they are taken', async () => {
    let sent = 0;
    const target = await rawServer((socket) => {
      socket.once('data', (request: Buffer) => {
        socket.write(responseHead(request.toString()));
        const fill = (): void => {
          while (sent < 512 * 1024 * 1024) {
            sent += 65536;
            if (!socket.write(Buffer.alloc(65536))) return;
          }
        };
        socket.on('drain', fill);
        fill();
      });
    });
    const { port } = await through(target, ['--quiet']);
    const client = connectNet({ port, host: '127.0.0.1' });
    client.write(requestHead());
    client.pause();
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    client.destroy();
  });

  it('are told to end at both ends, whichever ends first, and when the server is not there', async () => {
    const { port, said } = await through('1');
    const client = new Keeper(connectNet({ port, host: '127.0.0.1' }));
    await client.has(Infinity);
    await expect.poll(() => said.out).toContain('Cannot connect to ws://127.0.0.1:1: connect ECONNREFUSED');
  });
});

describe('a person sees', () => {
  it('each frame: kind, size, content, inflated, with the rule that is broken', async () => {
    const target = await echoServer({ perMessageDeflate: { threshold: 0 } });
    const { url, said, stop } = await through(target);
    const client = new WebSocket(`${url}/chat?x=1`, { perMessageDeflate: { threshold: 0 } });
    await once(client, 'open');
    for (const text of ['Hello', 'Hello']) client.send(text);
    client.send(Buffer.from([0, 255]), { compress: false });
    client.send('a\u001b[2J\n', { compress: false });
    client.send('frag', { fin: false, compress: false });
    client.send('mented', { compress: false });
    client.ping('there?');
    await expect.poll(() => said.out).toContain('← pong   6 B  there?');
    client.close(1000, 'bye');
    await once(client, 'close');
    await expect.poll(() => said.out).toContain('end: ');
    await stop();
    expect(said.out).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} #1 open: GET \/chat\?x=1 from 127\.0\.0\.1:\d+, permessage-deflate/,
    );
    expect(said.out.match(/→ text {3}5 B from \d+ {2}Hello\n/g)).toHaveLength(2);
    expect(said.out.match(/← text {3}5 B from \d+ {2}Hello\n/g)).toHaveLength(2);
    expect(said.out).toContain('→ binary 2 B  00 ff\n');
    expect(said.out).toContain('→ text   6 B  a\\x1b[2J\\n\n');
    expect(said.out).toContain('→ text, goes on 4 B  frag\n');
    expect(said.out).toContain('→ continuation, ends text of 2 frames 10 B  fragmented\n');
    expect(said.out).toContain('→ close  5 B  1000 (it is done): bye\n');
    expect(said.out).not.toContain('!!');
    expect(said.err).toContain('1 connection in ');
    expect(said.err).toContain('From clients: 8 frames, ');
    expect(said.err).toContain('No rule was broken.');
  });

  it('the rule that each frame breaks, and those after it', async () => {
    const target = await rawServer((socket) => {
      socket.once('data', (request: Buffer) => {
        socket.write(responseHead(request.toString()));
        socket.write(encodeFrame({ masked: true }));
        socket.write(encodeFrame({ payload: Buffer.from([0xff]) }));
        socket.write(encodeFrame({ opcode: 3 }));
        socket.write(encodeFrame({ payload: 'x', lengthForm: 16 }));
        socket.write(encodeFrame({ opcode: 8, payload: closeCode(1005) }));
        socket.write(encodeFrame({ payload: 'late' }));
        socket.write(encodeFrame({ announce: 2n ** 63n }));
      });
    });
    const { port, said, stop } = await through(target);
    const client = connectNet({ port, host: '127.0.0.1' });
    client.on('error', () => undefined);
    client.write(requestHead());
    await expect.poll(() => said.out).toContain('2^53 - 1');
    client.write(encodeFrame({ payload: 'unmasked' }));
    client.end(encodeFrame({ payload: 'cut off', announce: 100, masked: true }));
    await expect.poll(() => said.out).toContain('The connection ended within this frame');
    const faults = [...said.out.matchAll(/!! ([^\n]*?) \((RFC[^)]*)\)/g)].map(([, , section]) => section);
    expect(faults).toEqual([
      'RFC 6455 5.1',
      'RFC 6455 8.1',
      'RFC 6455 5.2',
      'RFC 6455 5.2',
      'RFC 6455 7.4',
      'RFC 6455 5.5.1',
      'RFC 6455 5.2',
      'RFC 6455 5.1',
      'RFC 6455 7.1.4',
    ]);
    await stop();
    expect(said.err).toContain('9 frames broke a rule.');
  });

  it('only the frames that --filter takes, and with --quiet none', async () => {
    const target = await echoServer();
    const talk = async (args: string[]): Promise<string> => {
      const { url, said, stop } = await startProxying(target, args);
      const client = new WebSocket(url);
      await once(client, 'open');
      client.send('one');
      client.send(Buffer.from('two'));
      client.ping();
      await once(client, 'pong');
      client.close();
      await once(client, 'close');
      await stop();
      return said.out.replaceAll(/^\S+ #1 /gm, '');
    };
    const frames = async (args: string[]): Promise<string> =>
      (await talk(args))
        .split('\n')
        .filter((line) => /^[→←]/.test(line))
        .join('|');
    expect(await frames(['--filter', 'from=client', '--filter', 'kind=text', '--filter', 'kind=ping'])).toBe(
      '→ text   3 B  one|→ ping   0 B',
    );
    expect(await frames(['--filter', 'text=/^T/i'])).toBe('→ binary 3 B  74 77 6f|← binary 3 B  74 77 6f');
    expect(await frames(['--filter', 'kind=control', '--filter', 'from=server'])).toBe('← pong   0 B|← close  0 B');
    expect(await talk(['--quiet'])).toBe('');
  });
});

describe('faults on purpose', () => {
  async function received(args: string[], count: number): Promise<{ got: string[]; said: string; code: number }> {
    const { url, said } = await through(await echoServer(), args);
    const client = new WebSocket(url);
    const got: string[] = [];
    client.on('message', (data: Buffer) => got.push(String(data)));
    client.on('error', () => undefined);
    await once(client, 'open');
    for (let at = 1; at <= count; at++) client.send(String(at));
    client.ping();
    await Promise.race([once(client, 'pong'), once(client, 'close')]);
    client.close();
    const [code] = client.readyState === WebSocket.CLOSED ? [1006] : ((await once(client, 'close')) as [number]);
    return { got, said: said.out + said.err, code };
  }

  it('--drop drops the first frames, or each with a chance', async () => {
    expect((await received(['--drop', '2', '--on', 'from=client', '--on', 'kind=text'], 4)).got).toEqual(['3', '4']);
    expect((await received(['--drop', '100%', '--on', 'kind=text'], 4)).got).toEqual([]);
    expect((await received(['--drop', '0%'], 4)).got).toEqual(['1', '2', '3', '4']);
  });

  it('--cut ends the connection after frames, bytes or a time', async () => {
    const frames = await received(['--cut', '2frames', '--on', 'from=server'], 4);
    expect(frames.got).toEqual(['1', '2']);
    expect(frames.code).toBe(1006);
    // Three bytes a frame: the third frame is cut within.
    expect((await received(['--cut', '8bytes', '--on', 'from=server'], 4)).got).toEqual(['1', '2']);
    const begun = performance.now();
    const { url } = await through(await echoServer(), ['--cut', '100ms']);
    const client = new WebSocket(url);
    const [code] = (await once(client, 'close')) as [number];
    expect(code).toBe(1006);
    expect(performance.now() - begun).toBeGreaterThan(99);
  });

  it.each([
    [[], ['Frame 2 of the client, text, is dropped.']],
    [['--quiet'], []],
    [['--filter', 'kind=close'], []],
    [['--filter', 'kind=text'], ['Frame 2 of the client, text, is dropped.']],
  ])('--drop says which frames it drops, given %j', async (more, expected) => {
    const args = ['--drop', '100%', '--on', 'kind=text', '--on', 'from=client', ...more];
    const { url, said, stop } = await startProxying(await echoServer(), args);
    const client = new WebSocket(url);
    await once(client, 'open');
    client.send(Buffer.from('1'));
    client.send('2');
    client.close();
    await once(client, 'close');
    await stop();
    expect(said.out.match(/Frame .* is dropped\./g) ?? []).toEqual(expected);
    expect(said.err).toContain('1 frame dropped.');
  });

  it('--cut is told after the frames that it counts', async () => {
    const { url, said } = await through(await echoServer(), ['--cut', '2frames', '--on', 'from=server']);
    const client = new WebSocket(url);
    client.on('error', () => undefined);
    await once(client, 'open');
    for (const text of ['1', '2']) client.send(text);
    await once(client, 'close');
    await expect.poll(() => said.out).toContain(' end: ');
    expect(said.out).toMatch(/← text {3}1 B {2}2\n[^]*The connection is cut, as --cut asks\./);
  });

  it('--delay passes frames on later, in their order', async () => {
    const begun = performance.now();
    const { got } = await received(['--delay', '0.06s', '--on', 'from=server'], 3);
    expect(got).toEqual(['1', '2', '3']);
    expect(performance.now() - begun).toBeGreaterThan(60);
  });

  it('--delay keeps the frames before an end, also where both ends close while they wait', async () => {
    const target = await rawServer((socket) => {
      socket.once('data', (request) => {
        socket.write(responseHead(String(request)));
        socket.end(encodeFrame({ payload: 'late', masked: false }));
      });
    });
    const { port } = await through(target, ['--quiet', '--delay', '150', '--on', 'from=server']);
    const client = new Keeper(connectNet({ port, host: '127.0.0.1', allowHalfOpen: true }));
    client.socket.end(requestHead());
    await once(client.socket, 'close');
    expect(client.received.subarray(-6)).toEqual(encodeFrame({ payload: 'late', masked: false }));
  });

  it('p lets nothing pass until it comes again, and q ends', async () => {
    const { url, keys, said, status } = await startProxying(await echoServer());
    const client = new WebSocket(url);
    await once(client, 'open');
    keys.write('p');
    await expect.poll(() => said.err).toContain('Paused: nothing passes.');
    const echo = once(client, 'message');
    client.send('held');
    const first = await Promise.race([echo, new Promise((resolve) => setTimeout(resolve, 150, 'nothing'))]);
    expect(first).toBe('nothing');
    keys.write('p');
    expect(String(((await echo) as [Buffer])[0])).toBe('held');
    keys.write('q');
    expect(await status).toBe(0);
  });
});

it('--rewrite-host passes on a request that ends before its head does', async () => {
  const seen = new Promise<string>((resolve) => {
    void rawServer((socket) => {
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('end', () => resolve(text));
    }).then(async (target) => {
      const { port } = await through(target, ['--quiet', '--rewrite-host']);
      connectNet({ port, host: '127.0.0.1' }).end('GET / HTTP/1.1\r\nHost: a');
    });
  });
  expect(await seen).toBe('GET / HTTP/1.1\r\nHost: a');
});

it('--rewrite-host writes the name of the target into Host and Origin, and nothing else', async () => {
  let request = '';
  const target = await rawServer((socket) => {
    socket.on('data', (chunk: Buffer) => (request += chunk.toString()));
  });
  const { port } = await through(target, ['--rewrite-host']);
  const client = connectNet({ port, host: '127.0.0.1' });
  const sent = requestHead({ Host: 'here:1', Origin: 'http://here:1', 'X-Host': 'here:1' });
  client.write(sent.slice(0, 30));
  client.write(sent.slice(30) + 'rest');
  const name = target.slice('ws://'.length);
  const rewritten = sent
    .replace('Host: here:1', `Host: ${name}`)
    .replace('Origin: http://here:1', `Origin: http://${name}`);
  await expect.poll(() => request).toBe(`${rewritten}rest`);
  client.destroy();
});

it('--record writes a head for each connection and a line for each frame', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-proxy-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'x.jsonl');
  const { url, said, stop } = await startProxying(await echoServer(), ['--record', file, '--quiet']);
  const client = new WebSocket(`${url}/path`);
  await once(client, 'open');
  client.send('text');
  client.send(Buffer.from([0, 255]), { fin: false });
  client.send(Buffer.from([1]));
  client.ping();
  await once(client, 'pong');
  client.close(4000);
  await once(client, 'close');
  await stop();
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines[0]).toMatchObject({ recording: 1, connection: 1, url: expect.stringMatching(/\/path$/) as string });
  expect(lines[0].request).toMatch(/^GET \/path HTTP\/1\.1\r\nSec-WebSocket-Version: 13\r\n[^]*\r\n\r\n$/);
  const accept = acceptFor(/^sec-websocket-key: (.*)\r$/im.exec(String(lines[0].request))![1]);
  expect(lines[0].response).toContain(`Sec-WebSocket-Accept: ${accept}\r\n`);
  const frames = lines.slice(1).map(({ time, connection, ...frame }) => {
    expect([connection, Number(time) >= 0]).toEqual([1, true]);
    return JSON.stringify(frame);
  });
  const expected = [
    { from: 'client', opcode: 1, text: 'text' },
    { from: 'client', opcode: 2, fin: false, base64: 'AP8=' },
    { from: 'client', opcode: 0, text: '\u0001' },
    { from: 'client', opcode: 9, text: '' },
    { from: 'server', opcode: 1, text: 'text' },
    { from: 'server', opcode: 2, base64: 'AP8B' },
    { from: 'server', opcode: 10, text: '' },
    { from: 'client', opcode: 8, base64: 'D6A=' },
    { from: 'server', opcode: 8, base64: 'D6A=' },
    { end: true },
  ].map((frame) => JSON.stringify(frame));
  expect(frames.sort()).toEqual(expected.sort());
  expect(said.err).toContain(`${file} holds 9 frames.`);
});

it('--record keeps the recording where the HAR cannot be written', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-proxy-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const har = join(directory, 'x.har');
  const { url, stop } = await startProxying(await echoServer(), ['--record', har, '--quiet']);
  mkdirSync(har);
  const client = new WebSocket(url);
  await once(client, 'open');
  client.send('kept');
  await once(client, 'message');
  client.close();
  await once(client, 'close');
  await expect(stop()).rejects.toThrow(
    expect.objectContaining({
      name: 'CommandError',
      message: expect.stringMatching(/^Cannot write \S+x\.har; the recording is in \S+x\.har\.jsonl: EISDIR/) as string,
    }),
  );
  expect(readFileSync(`${har}.jsonl`, 'utf8').match(/"text":"kept"/g)).toHaveLength(2);
});

it('--record tells at once that the file cannot be written, and the summary still comes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-proxy-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'x.jsonl');
  const { url, said, stop } = await startProxying(await echoServer(), ['--record', file, '--quiet']);
  mkdirSync(file);
  const client = new WebSocket(url);
  await once(client, 'open');
  const complaint = /^Cannot write \S+x\.jsonl: EISDIR.*\. The recording ends before that\.$/m;
  await expect.poll(() => said.err).toMatch(complaint);
  client.close();
  await once(client, 'close');
  await expect(stop()).rejects.toThrow(complaint);
  expect(said.err.match(/EISDIR/g)).toHaveLength(1);
  expect(said.err).toMatch(/^1 connection in /m);
});

describe('the command line', () => {
  const command = (args: string[]): Promise<number> =>
    proxy(args, sayingTerminal().terminal, AbortSignal.abort(), {
      keys: undefined,
      isTerminal: false,
      hasColours: false,
    });

  it.each([
    [[], /^Where to listen and where to connect\?/],
    [['9000'], /^Where to listen and where to connect\?/],
    [['--nonsense'], /^wsimd proxy: Unknown option '--nonsense'; the options are in wsimd proxy --help\.$/],
    [['ws://127.0.0.1:1', '0'], /^LISTEN is a port, such as 9000, or HOST:PORT, not "ws:/],
    [['70000', 'ws://127.0.0.1:1'], /^LISTEN is a port/],
    [['9000', '9000'], /^TARGET is the proxy itself: give LISTEN another port than 9000\.$/],
    [['0.0.0.0:9000', 'ws://localhost:9000'], /^TARGET is the proxy itself/],
    [['0', 'gopher://here'], /^TARGET is an address such as ws:/],
    [
      ['0', 'foo'],
      /^TARGET is an address such as ws:\/\/127\.0\.0\.1:9001, not "foo"; a host of this name is given as ws:\/\/foo\.$/,
    ],
    [['0', 'ws://here/path'], /^TARGET takes no path and no user: ws:\/\/here is enough/],
    [['0', 'ws://user:password@here'], /^TARGET takes no path and no user: ws:\/\/here is enough/],
    [['0', 'ws://127.0.0.1:1', '--insecure'], /^--insecure is for wss\.$/],
    [['0', 'ws://127.0.0.1:1', '--cert', 'x'], /^--cert and --key go together\.$/],
    [['0', 'ws://127.0.0.1:1', '--cert', 'no', '--key', 'no'], /^Cannot read no: .*ENOENT/],
    [
      ['0', 'ws://127.0.0.1:1', '--cert', 'package.json', '--key', 'package.json'],
      /^The certificate or its key cannot/,
    ],
    [['0', 'ws://127.0.0.1:1', '--filter', 'ping'], /^--filter takes from=client\|server, kind=continuation\|text/],
    [['0', 'ws://127.0.0.1:1', '--filter', 'text=/(/'], /^--filter text=\/\(\/: this is no regular expression\.$/],
    [['0', 'ws://127.0.0.1:1', '--drop', 'all'], /^--drop takes a number of frames or a percentage/],
    [['0', 'ws://127.0.0.1:1', '--drop', '101%'], /^--drop takes/],
    [['0', 'ws://127.0.0.1:1', '--cut', '3'], /^--cut takes a number with a unit/],
    [['0', 'ws://127.0.0.1:1', '--cut', '0s'], /^--cut takes a number with a unit/],
    [
      ['0', 'ws://127.0.0.1:1', '--delay', 'long'],
      /^--delay takes a time from 0ms to 24 days, such as .*, not "long"\.$/,
    ],
    [['0', 'ws://127.0.0.1:1', '--on', 'kind=ping'], /^--on says which frames/],
    [['0', 'ws://127.0.0.1:1', '--drop', '1', '--on', 'text=x'], /^--on takes from=client\|server, kind=/],
    [['0', 'ws://127.0.0.1:1', '--record', '/no/such/directory/x'], /^Cannot write \/no\/such\/directory\/x: /],
    [['0', 'ws://127.0.0.1:1', '--record', tmpdir()], /^Cannot write .*: it is a directory\.$/],
    [['192.0.2.1:0', 'ws://127.0.0.1:1'], /^Cannot listen on 192\.0\.2\.1, port 0: /],
  ])('%j is refused in one sentence', async (args, sentence) => {
    await expect(command(args)).rejects.toThrow(
      expect.objectContaining({ name: 'CommandError', message: expect.stringMatching(sentence) as string }),
    );
  });

  it('a port in use is told, and what to do', async () => {
    const taken = new URL(await echoServer()).port;
    for (const [args, option] of [
      [[taken, '1'], 'LISTEN'],
      [['0', '1', '--page', taken], '--page'],
    ] as const) {
      await expect(command([...args])).rejects.toThrow(
        new RegExp(`^Cannot listen on .*, port ${taken}: .* Give ${option} another port; 0 is any free one\\.$`),
      );
    }
  });

  it('explains each option in --help', async () => {
    const { terminal, text } = sayingTerminal();
    expect(await proxy(['--help'], terminal, AbortSignal.abort())).toBe(0);
    const options = 'page filter quiet record rewrite-host insecure cert key delay drop cut on';
    for (const option of options.split(' ')) expect(text.out).toContain(`--${option} `);
  });
});

it('a server that ends before an answer is told, unless the client has left first', async () => {
  const target = await rawServer((socket) => {
    for (const event of ['data', 'end']) socket.on(event, () => socket.end());
  });
  const { url, port, said } = await through(target);
  const [error] = (await once(new WebSocket(url), 'error')) as [Error];
  expect(error.message).toBe('socket hang up');
  await expect.poll(() => said.out).toContain('#1 end: ');
  expect(said.out).toContain('#1 The server says nothing: the connection ended before an answer; a server that');
  const leaver = connectNet({ port, host: '127.0.0.1' });
  leaver.end();
  leaver.resume();
  await expect.poll(() => said.out).toContain('#2 end: ');
  expect(said.out).not.toContain('#2 The server');
});

it('cuts what frames hold to the width of the terminal, and no word on what is wrong', async () => {
  const columns = 60;
  const head = requestHead();
  const target = await rawServer((socket) => socket.once('data', () => socket.write(responseHead(head))));
  const text = 'x'.repeat(100);
  for (const [to, sent, shown] of [
    [target, encodeFrame({ payload: text, masked: true }), /\n.{15} → text {3}100 B {2}x{27}…\n/],
    [
      target,
      encodeFrame({ payload: text }),
      / 100 B {2}!! Invalid WebSocket frame: MASK must be set \(RFC 6455 5\.1\)…\n/,
    ],
    ['ws://127.0.0.1:1', '', / Cannot connect to ws:\/\/127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1\.\n/],
  ] as const) {
    const controller = new AbortController();
    const { terminal, text: said } = sayingTerminal();
    const keys = new PassThrough();
    const watcher = { keys, isTerminal: true, hasColours: false };
    const status = proxy(['0', to], { ...terminal, columns }, controller.signal, watcher);
    await expect.poll(() => said.err).toContain('Passing');
    const client = connectNet(Number(/:(\d+) on to/.exec(said.err)![1]), '127.0.0.1');
    client.on('error', () => undefined);
    client.write(head);
    client.once('data', () => client.write(sent));
    await expect.poll(() => said.out).toMatch(shown);
    client.destroy();
    controller.abort();
    expect(await status).toBe(0);
  }
});
