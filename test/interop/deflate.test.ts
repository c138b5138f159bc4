// Compressed conversations with every peer, in both roles, under every combination of parameters that the peer can do.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket as WsWebSocket, WebSocketServer as WsWebSocketServer } from 'ws';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { launchChromium } from '../support/chromium.js';
import { runsLong } from '../support/long.js';
import { hasPython, PYTHON } from '../support/python.js';

/** The parameters of RFC 7692 7.1; undefined where a window is not set. */
interface Parameters {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | undefined;
  clientMaxWindowBits: number | undefined;
}

const BITS = runsLong ? [undefined, 8, 9, 10, 11, 12, 13, 14, 15] : [undefined, 8, 9, 15];

const COMBINATIONS: Parameters[] = [false, true].flatMap((serverNoContextTakeover) =>
  [false, true].flatMap((clientNoContextTakeover) =>
    BITS.flatMap((serverMaxWindowBits) =>
      BITS.map((clientMaxWindowBits) => ({
        serverNoContextTakeover,
        clientNoContextTakeover,
        serverMaxWindowBits,
        clientMaxWindowBits,
      })),
    ),
  ),
);

const TIME = { timeout: 300_000 };

// As in deflate_peer.py.
const ROW = Array.from(
  { length: 20 },
  (_, n) => `{"id":${(n * 7919) % 1000003},"side":"${n % 3 ? 'buy' : 'sell'}"},`,
).join('');
const OCTETS = Buffer.from(Array.from({ length: 251 }, (_, at) => at));
const SHORT = ['', Buffer.alloc(0), ROW, ROW, Buffer.alloc(5020, OCTETS), 'Grüße, 世界 \u{1f600}'];
const LONG = [ROW.repeat(200), Buffer.alloc(376_500, OCTETS), ROW];

/** Long messages go where both windows are the same. */
const isLong = (wanted: Parameters): boolean => wanted.serverMaxWindowBits === wanted.clientMaxWindowBits;

/** Without those that this peer cannot do, which are counted aloud. */
function combinationsOf(peer: string, why: string, can: (wanted: Parameters) => boolean): Parameters[] {
  const done = COMBINATIONS.filter(can);
  const left = COMBINATIONS.length - done.length;
  if (left > 0) console.log(`${left} of ${COMBINATIONS.length} combinations not run with ${peer}: ${why}`);
  return done;
}

/** The extension as RFC 7692 7 writes it. */
function written(agreed: Partial<Parameters>): string {
  const { serverMaxWindowBits: server, clientMaxWindowBits: client } = agreed;
  return [
    'permessage-deflate',
    ...(agreed.serverNoContextTakeover ? ['server_no_context_takeover'] : []),
    ...(agreed.clientNoContextTakeover ? ['client_no_context_takeover'] : []),
    ...(server === undefined ? [] : [`server_max_window_bits=${server}`]),
    ...(client === undefined ? [] : [`client_max_window_bits=${client}`]),
  ].join('; ');
}

/** An open connection of ours or of `ws`. */
type EchoSocket = WebSocket | WsWebSocket;

async function expectEchoes(socket: EchoSocket, long: boolean): Promise<void> {
  for (const data of long ? [...SHORT, ...LONG] : SHORT) {
    const echo = new Promise<[Buffer, boolean]>((resolve, reject) => {
      socket.once('message', (message: Buffer, isBinary: boolean) => resolve([message, isBinary]));
      socket.once('close', (code: number) => reject(new Error(`closed with ${code}`)));
    });
    socket.send(data);
    const [message, isBinary] = await echo;
    socket.removeAllListeners('close');
    expect(isBinary).toBe(typeof data !== 'string');
    expect(Buffer.compare(message, Buffer.from(data as string))).toBe(0);
  }
}

async function closing(socket: EchoSocket): Promise<void> {
  const closed = once(socket, 'close');
  socket.close(1000);
  expect((await closed)[0]).toBe(1000);
}

function python(...args: string[]): ChildProcessByStdio<Writable, Readable, null> {
  const file = fileURLToPath(new URL('deflate_peer.py', import.meta.url));
  return spawn(PYTHON, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

describe('our server echoes under every combination', () => {
  const servers = COMBINATIONS.map((wanted, index) => {
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: { ...wanted, threshold: 0 } });
    server.on('connection', (socket: WebSocket) => {
      const filter = (one: WebSocket): boolean => one === socket;
      let count = index;
      socket.on('message', (data: Buffer, binary: boolean) => {
        // By turns: a message that is compressed for many stands between those that are compressed for this peer.
        if (count++ % 2 === 0) socket.send(data, { binary });
        else server.broadcast(data, { binary, compress: true, filter });
      });
    });
    return server;
  });
  const http = createServer();
  /** What was answered on each path. */
  const answers = new Map<string, string>();
  let url: string;

  const pathOf = (wanted: Parameters): string => `/${COMBINATIONS.indexOf(wanted)}`;

  /** Each answer is what the options ask for: every one of these peers lets the server set its window. */
  function expectAnswers(combinations: readonly Parameters[]): void {
    for (const wanted of combinations) expect(answers.get(pathOf(wanted))).toBe(written(wanted));
    answers.clear();
  }

  beforeAll(async () => {
    http.on('upgrade', (request, socket, head) => {
      const server = servers[Number(request.url!.slice(1))];
      server.once('headers', (headers: string[]) => {
        const line = headers.find((header) => header.startsWith('Sec-WebSocket-Extensions: '));
        answers.set(request.url!, line?.slice(26) ?? '');
      });
      server.handleUpgrade(request, socket, head, (websocket: WebSocket) =>
        server.emit('connection', websocket, request),
      );
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
  });
  afterAll(() => http.close());

  test('RFC 7692 7.1: to a client made with ws', TIME, async () => {
    for (const wanted of COMBINATIONS) {
      const socket = new WsWebSocket(url + pathOf(wanted), { perMessageDeflate: { threshold: 0 } });
      await once(socket, 'open');
      await expectEchoes(socket, isLong(wanted));
      await closing(socket);
    }
    expectAnswers(COMBINATIONS);
  });

  test.each(['websockets', 'aiohttp'])('RFC 7692 7.1: to a client made with %s', TIME, async (library) => {
    if (!hasPython(library)) return;
    const why = 'zlib compresses no raw stream with windowBits 8';
    const combinations = combinationsOf(library, why, (wanted) => wanted.clientMaxWindowBits !== 8);
    const client = python('converse', library, url);
    client.stdin.end(JSON.stringify(combinations.map((wanted) => [pathOf(wanted), isLong(wanted)])));
    expect(await text(client.stdout)).toBe(`echoed ${combinations.length}\n`);
    expectAnswers(combinations);
  });

  test('RFC 7692 7.1: to Chromium', TIME, async () => {
    const browser = await launchChromium();
    if (browser === undefined) return;
    const page = await browser.newPage();
    const paths = COMBINATIONS.map((wanted) => [pathOf(wanted), isLong(wanted)]);
    const told = await page.evaluate(
      `(${CONVERSE})(${JSON.stringify({ url, paths, row: ROW, octets: Array.from(OCTETS) })})`,
    );
    expect(told).toEqual(COMBINATIONS.map(() => 'permessage-deflate 1000'));
    expectAnswers(COMBINATIONS);
    await browser.close();
  });
});

/** Runs in the browser: one conversation on each path, and how each ended. */
const CONVERSE = String.raw`async ({ url, paths, row, octets }) => {
  const bytes = (times) => Uint8Array.from({ length: 251 * times }, (_, at) => octets[at % 251]);
  const short = ['', bytes(0), row, row, bytes(20), 'Grüße, 世界 \u{1f600}'];
  const long = [row.repeat(200), bytes(1500), row];
  const same = (sent, echo) => typeof sent === 'string'
    ? sent === echo
    : echo.byteLength === sent.length && new Uint8Array(echo).every((octet, at) => octet === sent[at]);
  const converse = ([path, isLong]) => new Promise((resolve) => {
    const messages = isLong ? [...short, ...long] : short;
    const socket = new WebSocket(url + path);
    socket.binaryType = 'arraybuffer';
    let at = 0;
    let extensions = '';
    socket.onopen = () => { extensions = socket.extensions.split(';')[0]; socket.send(messages[0]); };
    socket.onmessage = ({ data }) => {
      if (!same(messages[at], data)) resolve(path + ': another message ' + at);
      if (++at < messages.length) socket.send(messages[at]);
      else socket.close(1000);
    };
    socket.onclose = ({ code }) => resolve(extensions + ' ' + code);
  });
  const told = [];
  for (const path of paths) told.push(await converse(path));
  return told;
}`;

describe('our client gets its echoes under every combination', () => {
  /** One connection for each, whose offer is the combination; the server's answers. */
  async function converse(url: string, combinations: readonly Parameters[]): Promise<string[]> {
    const answers: string[] = [];
    for (const wanted of combinations) {
      const socket = new WebSocket(url, { perMessageDeflate: { ...wanted, threshold: 0 } });
      socket.on('upgrade', ({ headers }: IncomingMessage) => answers.push(headers['sec-websocket-extensions'] ?? ''));
      await once(socket, 'open');
      await expectEchoes(socket, isLong(wanted));
      await closing(socket);
    }
    return answers;
  }

  test('RFC 7692 7.1: from a server made with ws', TIME, async () => {
    const server = new WsWebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
    server.on('connection', (peer) => peer.on('message', (data, binary) => peer.send(data, { binary })));
    await once(server, 'listening');
    const answers = await converse(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, COMBINATIONS);
    expect(answers).toEqual(COMBINATIONS.map(written));
    server.close();
  });

  test.each([
    { library: 'websockets', answered: (wanted: Parameters): Partial<Parameters> => wanted },
    {
      // It agrees to what is asked of itself, and leaves the client's side to the client.
      library: 'aiohttp',
      answered: ({ serverNoContextTakeover, serverMaxWindowBits }: Parameters): Partial<Parameters> => ({
        serverNoContextTakeover,
        serverMaxWindowBits: serverMaxWindowBits === 15 ? undefined : serverMaxWindowBits,
      }),
    },
  ])('RFC 7692 7.1: from a server made with $library', TIME, async ({ library, answered }) => {
    if (!hasPython(library)) return;
    const why = 'zlib compresses no raw stream with windowBits 8';
    const combinations = combinationsOf(library, why, (wanted) => wanted.serverMaxWindowBits !== 8);
    const server = python('serve', library);
    try {
      const [line] = (await once(server.stdout, 'data')) as [Buffer];
      const [, port] = /listening on (\d+)/.exec(line.toString())!;
      const answers = await converse(`ws://127.0.0.1:${port}/`, combinations);
      const sorted = (header: string): string[] => header.split('; ').sort();
      expect(answers.map(sorted)).toEqual(combinations.map((wanted) => sorted(written(answered(wanted)))));
    } finally {
      server.kill();
    }
  });
});
