// The codec's own deflate with `ws` at the other end of a socket, and in a page and a Worker of Chromium, from the files of dist.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createDeflater, createInflater } from '../../src/deflate/index.js';
import {
  acceptanceLines,
  acceptDeflateOffer,
  Connection,
  createRequest,
  encodeBase64,
  EventType,
  joinHead,
  judgeRequest,
  judgeResponse,
  RequestReader,
  ResponseReader,
  Role,
  writeDeflateOffer,
  writeRequest,
  type DeflateAgreement,
} from '../../src/sans-io.js';
import { launchChromium } from '../support/chromium.js';
import { jsonLike, noise, seeded } from '../support/deflate.js';
import { ZlibPair } from '../support/zlib-pair.js';

const random = seeded(17);
const MESSAGES = [
  ...[0, 1, 50, 2000, 2000, 70_000].map((length) => jsonLike(length, random)),
  noise(300, random),
  Buffer.alloc(200_000, 'x'),
  jsonLike(1000, random),
];

/** The parameters that `ws` and the codec name alike. */
interface Parameters {
  readonly serverNoContextTakeover?: boolean;
  readonly clientNoContextTakeover?: boolean;
  readonly serverMaxWindowBits?: number;
  readonly clientMaxWindowBits?: number;
}

const SETTINGS: { name: string; options: Parameters }[] = [
  { name: 'takeover', options: {} },
  { name: 'no takeover', options: { serverNoContextTakeover: true, clientNoContextTakeover: true } },
  { name: 'windows of 9 and 10 bits', options: { serverMaxWindowBits: 9, clientMaxWindowBits: 10 } },
];

function open(agreement: DeflateAgreement | undefined, role: Role): Connection {
  if (agreement === undefined) throw new Error('nothing was agreed');
  return new Connection({
    role,
    inflater: createInflater(agreement, role),
    deflater: createDeflater(agreement, role),
  });
}

/** Hands on what a connection has to write, and what it has read. */
function advance(connection: Connection, socket: Socket, onMessage: (data: Buffer) => void): void {
  for (let event = connection.next(); event !== undefined; event = connection.next()) {
    if (event.type === EventType.Message) onMessage(Buffer.from(event.data as Uint8Array));
  }
  for (const output of connection.takeOutput()) socket.write(output);
  if (connection.shouldEnd) socket.end();
}

describe.each(SETTINGS)('$name', ({ options }) => {
  const wsOptions = { threshold: 0, ...options };

  test('a client of the codec gets its messages back from a server made with ws', { timeout: 60_000 }, async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: wsOptions });
    server.on('connection', (peer) => peer.on('message', (data) => peer.send(data)));
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const key = encodeBase64(crypto.getRandomValues(new Uint8Array(16)));
    socket.write(writeRequest('/', '127.0.0.1', createRequest({ key, extensions: writeDeflateOffer(options) })));
    const reader = new ResponseReader();
    const received: Buffer[] = [];
    let connection: Connection | undefined;
    socket.on('data', (chunk) => {
      let bytes: Uint8Array = chunk;
      if (connection === undefined) {
        const { head, rest } = reader.push(chunk);
        if (head === undefined) return;
        const answer = judgeResponse(head, { key, deflate: options });
        if (!answer.agreed) throw new Error(answer.message);
        connection = open(answer.deflate, Role.Client);
        for (const message of MESSAGES) connection.send(message);
        bytes = rest!;
      }
      connection.receive(bytes);
      advance(connection, socket, (data) => {
        received.push(data);
        if (received.length === MESSAGES.length) connection!.close(1000);
      });
    });
    await once(socket, 'close');
    expect(received.map((data, at) => data.equals(MESSAGES[at]))).toEqual(MESSAGES.map(() => true));
    server.close();
  });

  test('a server of the codec echoes the messages of a client made with ws', { timeout: 60_000 }, async () => {
    const server = createServer((socket) => {
      const reader = new RequestReader();
      let connection: Connection | undefined;
      socket.on('data', (chunk) => {
        let bytes: Uint8Array = chunk;
        if (connection === undefined) {
          const { head, rest } = reader.push(chunk);
          if (head === undefined) return;
          const request = judgeRequest(head, { extensions: true });
          if (!request.accepted) throw new Error(request.message);
          const accepted = acceptDeflateOffer(request.offers, options);
          if (accepted === undefined || accepted === 'refused') throw new Error('the offer is not acceptable');
          socket.write(joinHead(acceptanceLines({ ...request, extensions: accepted.header })));
          connection = open(accepted.agreement, Role.Server);
          bytes = rest!;
        }
        connection.receive(bytes);
        advance(connection, socket, (data) => connection!.send(data));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      perMessageDeflate: wsOptions,
    });
    await once(client, 'open');
    expect(client.extensions).toContain('permessage-deflate');
    const received: Buffer[] = [];
    client.on('message', (data: Buffer) => {
      received.push(data);
      if (received.length === MESSAGES.length) client.close();
    });
    for (const message of MESSAGES) client.send(message);
    await once(client, 'close');
    expect(received.map((data, at) => data.equals(MESSAGES[at]))).toEqual(MESSAGES.map(() => true));
    server.close();
  });
});

/** Runs in the browser: inflates messages, deflates them again, and has two connections say them to each other. */
const PROGRAM = `
import { Connection, EventType, Role } from '/dist/sans-io.js';
import { canDeflate, createDeflater, createInflater } from '/dist/deflate.js';

const agreement = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

export function run(payloads) {
  if (!canDeflate()) {
    try {
      createInflater(agreement, Role.Client);
    } catch (error) {
      return { refused: error.name };
    }
  }
  const inflater = createInflater(agreement, Role.Client);
  const deflater = createDeflater(agreement, Role.Client);
  const messages = payloads.map((payload) => inflater.inflate(Uint8Array.from(payload), 1e6));
  const sent = messages.map((message) => deflater.deflate(message, true));
  const [client, server] = [Role.Client, Role.Server].map((role) => new Connection({
    role,
    inflater: createInflater(agreement, role),
    deflater: createDeflater(agreement, role),
  }));
  for (const message of messages) client.send(message);
  let octets = 0;
  for (const chunk of client.takeOutput()) {
    octets += chunk.length;
    server.receive(chunk);
  }
  const received = [];
  for (let event = server.next(); event; event = server.next()) {
    if (event.type === EventType.Message) received.push(event.data);
  }
  const plain = (list) => list.map((bytes) => Array.from(bytes));
  return { messages: plain(messages), sent: plain(sent), received: plain(received), octets };
}
`;
const WORKER = `
import { run } from '/program.js';
onmessage = ({ data }) => postMessage(run(data));
`;

/** What the page answers. */
interface Answer {
  readonly refused?: string;
  readonly messages: number[][];
  readonly sent: number[][];
  readonly received: number[][];
  readonly octets: number;
}

describe('Chromium', () => {
  const ROOT = fileURLToPath(new URL('../..', import.meta.url));
  const SHORT = MESSAGES.filter(({ length }) => length < 10_000);
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  const served: Readonly<Record<string, string>> = { '/program.js': PROGRAM, '/worker.js': WORKER };
  /** Has the program of a page, or of a Worker of it, run on payloads. */
  async function inPage(payloads: number[][], where: string, policy?: string): Promise<Answer> {
    const server = createHttpServer(({ url = '/' }, response) => {
      if (policy !== undefined) response.setHeader('Content-Security-Policy', policy);
      response.setHeader('Content-Type', url.endsWith('.js') ? 'text/javascript' : 'text/html');
      response.end(url.startsWith('/dist/') ? readFileSync(path.join(ROOT, url)) : (served[url] ?? '<!doctype html>'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const page = await browser!.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const answer = await page.evaluate(`(${where})(${JSON.stringify(payloads)})`);
    await page.close();
    server.close();
    return answer as Answer;
  }
  const PAGE = `(payloads) => import('/program.js').then(({ run }) => run(payloads))`;
  const IN_WORKER = `(payloads) => new Promise((resolve, reject) => {
    const worker = new Worker('/worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(payloads);
  })`;

  test.each([
    ['a page', PAGE],
    ['a Worker', IN_WORKER],
  ])('in %s inflates the messages of zlib, and zlib inflates its own', { timeout: 60_000 }, async (_, where) => {
    if (browser === undefined) return;
    const zlib = new ZlibPair(15, true);
    const payloads = SHORT.map((message) => Array.from(zlib.deflate(message)));
    const { messages, sent, received, octets } = await inPage(payloads, where);
    const same = (list: number[][]): boolean[] => list.map((bytes, at) => Buffer.from(bytes).equals(SHORT[at]));
    const all = SHORT.map(() => true);
    expect(same(messages)).toEqual(all);
    expect(same(sent.map((payload) => Array.from(zlib.inflate(Uint8Array.from(payload)))))).toEqual(all);
    expect(same(received)).toEqual(all);
    expect(octets).toBeLessThan(Buffer.concat(SHORT).length / 2);
    zlib.close();
  });

  test('under a policy that lets nothing compile says so', { timeout: 60_000 }, async () => {
    if (browser === undefined) return;
    expect(await inPage([], PAGE, "script-src 'self'")).toEqual({ refused: 'UsageError' });
  });
});
