// What reaches the streams of HTTP/2 past their `write`: memory that serves again, bytes that Node counts, and the answer before them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { ASKED } from '../support/http2-frames.js';
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
