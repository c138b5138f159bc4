// What reaches the streams of HTTP/2 past their `write`: memory that serves again, bytes that Node counts, and the answer before them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { ASKED, frame, FrameType, headers, PREFACE } from '../support/http2-frames.js';
import { sessionTo } from '../support/http2-session.js';

const INDEX = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** One message at a time, each sent once the one before is written. */
const SENDER = `
  import http2 from 'node:http2';
  import { WebSocketServer } from ${JSON.stringify(INDEX)};
  const server = http2.createServer();
  new WebSocketServer({ server, writePath: 'direct' }).on('connection', async (websocket) => {
    const used = async (length, count) => {
      const message = Buffer.alloc(length);
      const before = process.memoryUsage().arrayBuffers;
      while (count-- > 0) await new Promise((resolve) => websocket.send(message, resolve));
      return process.memoryUsage().arrayBuffers - before;
    };
    const shares = [];
    for (const length of [900, 4000, 16_000, 60_000]) {
      const count = Math.ceil(4e6 / length);
      await used(length, 4);
      shares.push((await used(length, count)) / (count * length));
    }
    websocket.close(1000, shares.map((share) => share.toFixed(2)).join(' '));
    server.close();
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

test('the memory of a message serves the next one once it is written, whatever its length', async () => {
  // The collector frees nothing in between: young objects have more room than they need.
  const program = ['--min-semi-space-size=64', '--max-semi-space-size=64', '--input-type=module', '-e', SENDER];
  const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
  endings.push(() => child.kill());
  const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const websocket = new WebSocket(`ws://127.0.0.1:${port.trim()}/`, { http2: true });
  websocket.on('message', () => {});
  const [, reason] = (await once(websocket, 'close')) as [number, Buffer];
  const shares = String(reason).split(' ').map(Number);
  expect(shares).toHaveLength(4);
  for (const share of shares) expect(share, String(reason)).toBeLessThan(0.25);
});

interface Asked {
  server: http2.Http2Server;
  /** A stream of a client that asks for a WebSocket. */
  ask: () => http2.ClientHttp2Stream;
}

/** An HTTP/2 server, and a client's session. */
async function serve(server: http2.Http2Server): Promise<Asked> {
  const session = await sessionTo(server, endings);
  return { server, ask: () => session.request(Object.fromEntries(ASKED), { endStream: false }) };
}

describe.each(['direct', 'stream'] as const)('written to by %s:', (writePath) => {
  test('Node counts no byte of a message that is written, and none less', async () => {
    const server = http2.createServer();
    const wss = new WebSocketServer({ server, writePath });
    const accepted = once(wss, 'connection') as Promise<[WebSocket]>;
    const { ask } = await serve(server);
    ask().resume();
    const [websocket] = await accepted;
    const socket = websocket._socket as ServerHttp2Stream;
    for (const length of [1, 1000, 30_000, 200_000]) {
      await new Promise((resolve) => websocket.send(Buffer.alloc(length), resolve));
      expect([length, socket.bufferSize, websocket.bufferedAmount]).toEqual([length, 0, 0]);
    }
  });

  test('the first message on a stream without a response is sent behind one, as Node sends it', async () => {
    const server = http2.createServer({ settings: { enableConnectProtocol: true } });
    server.on('stream', (stream) => {
      const websocket = new WebSocket(null, undefined, { writePath });
      websocket.setSocket(stream, Buffer.alloc(0));
      websocket.send('a');
      websocket.send('b');
    });
    const { ask } = await serve(server);
    // The first write of a thread goes by way of the stream, the second to its handle.
    for (let at = 0; at < 3; at++) {
      const stream = ask();
      const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      expect(headers[':status']).toBe(200);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      while (Buffer.concat(chunks).length < 6) await once(stream, 'data');
      expect(Buffer.concat(chunks).toString('latin1')).toBe('\x81\x01a\x81\x01b');
    }
  });
});

/** What a peer reads of a stream, until that is reset. */
async function readUntilReset(socket: net.Socket, stream: number): Promise<Buffer> {
  const data: Buffer[] = [];
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    let at = 0;
    for (let end: number; at + 9 <= bytes.length; at = end) {
      end = at + 9 + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      if (bytes.readUInt32BE(at + 5) !== stream) continue;
      if (bytes[at + 3] === FrameType.RstStream) return Buffer.concat(data);
      if (bytes[at + 3] === FrameType.Data) data.push(Buffer.from(bytes.subarray(at + 9, end)));
    }
    bytes = bytes.subarray(at);
  }
  return Buffer.concat(data);
}

test('what a session still writes of a message that is cut off holds no bytes of another connection', async () => {
  const server = http2.createServer();
  const wss = new WebSocketServer({ server, writePath: 'direct' });
  const all: WebSocket[] = [];
  wss.on('connection', (websocket) => all.push(websocket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  endings.push(async () => {
    socket.destroy();
    server.close();
    await once(server, 'close');
  });
  // So many streams, each with a window of 65,535 bytes, that the system does not take what they write.
  const COUNT = 400;
  const window = frame(FrameType.WindowUpdate, 0, Buffer.from([0x7f, 0, 0, 0]));
  const asked = Array.from({ length: COUNT }, (_, at) => headers(2 * at + 1, ASKED));
  socket.write(Buffer.concat([PREFACE, window, ...asked]));
  while (all.length < COUNT) await once(wss, 'connection');
  const [other, ...fillers] = all;
  const cut = fillers.pop()!;
  // The first write of a thread goes by way of the stream.
  for (let at = 0; at < 2; at++) await new Promise<unknown>((resolve) => other.send('', resolve));
  const long = Buffer.alloc(200_000);
  for (const each of fillers) each.send(long);
  cut.send(Buffer.alloc(100_000, 'a'));
  await new Promise((resolve) => setImmediate(resolve));
  cut.terminate();
  await once(cut, 'close');
  for (let at = 0; at < 4; at++) {
    await new Promise((resolve) => setImmediate(resolve));
    other.send(Buffer.alloc(100_000, 'b'));
  }
  const got = await readUntilReset(socket, 2 * COUNT - 1);
  expect([got.length > 60_000, got.includes('a'), got.includes('b')]).toEqual([true, true, false]);
});
