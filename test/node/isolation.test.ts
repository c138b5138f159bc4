// Many connections at once, each with an alphabet of its own: nobody ever sees a byte of another, or the kernels' memory.
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocketServer } from '../../src/index.js';
import { kernels } from '../../src/kernels/index.js';
import { runsLong } from '../support/long.js';
import { Random } from '../support/random.js';
import { decodeFrames, encodeFrame } from '../support/raw-peer.js';

const CONNECTIONS = 64;
const MESSAGES = runsLong ? 40 : 10;
const BINARY_TYPES = ['nodebuffer', 'arraybuffer', 'fragments', 'blob'] as const;
const HEAD =
  'HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

let server: WebSocketServer;
const size = kernels.bytes.length;
const handedOut: ArrayBufferLike[] = [];
const foreign: string[] = [];
let echoed = 0;

/** The three characters of two bytes, and the three bytes, that connection `index` alone uses. */
const letters = (index: number): string => String.fromCodePoint(...[0, 1, 2].map((of) => 0x100 + 3 * index + of));
const octetsOf = (index: number): number[] => [0, 1, 2].map((of) => 3 * index + of);

function isOwn(index: number, octets: Uint8Array, isBinary: boolean): boolean {
  if (isBinary) return octets.every((octet) => octetsOf(index).includes(octet));
  return Array.from(Buffer.from(octets).toString()).every((letter) => letters(index).includes(letter));
}

/** All bytes of a message, whatever shape its user asked for. */
async function flatten(data: unknown): Promise<Buffer> {
  if (data instanceof Blob) return Buffer.from(await data.arrayBuffer());
  const parts = Array.isArray(data) ? (data as Buffer[]) : [data as Buffer | ArrayBuffer];
  for (const part of parts) handedOut.push(part instanceof ArrayBuffer ? part : part.buffer);
  return Buffer.concat(parts.map((part) => (part instanceof ArrayBuffer ? Buffer.from(part) : part)));
}

beforeAll(async () => {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 100_000 });
  server.on('connection', (socket, { url }) => {
    const [, digits, rude] = /^\/(\d+)(\/rude)?$/.exec(url)!;
    const index = Number(digits);
    let last = Promise.resolve();
    socket.binaryType = BINARY_TYPES[index % 4];
    socket.on('error', () => {});
    socket.on('message', (data: unknown, isBinary: boolean) => {
      // A Blob gives its bytes later, and messages keep their order.
      last = last.then(async () => {
        const octets = await flatten(data);
        if (!isOwn(index, octets, isBinary)) foreign.push(`${index} got ${octets.toString('hex', 0, 40)}`);
        socket.send(octets, { binary: isBinary });
        if (rude === undefined) echoed++;
      });
    });
    // Every third one reads its text as strings, by way of the event.
    if (index % 3 === 0) {
      socket.addEventListener('message', ({ data }: { data: unknown }) => {
        if (typeof data === 'string' && !isOwn(index, Buffer.from(data), false)) foreign.push(`${index} got "${data}"`);
      });
    }
  });
  await once(server, 'listening');
});
afterAll(() => server.close());

class Peer {
  private readonly socket: Socket;
  private readonly chunks: Buffer[] = [];
  readonly sent: string[] = [];
  private waiting: Buffer = Buffer.alloc(0);

  constructor(
    readonly index: number,
    private readonly random: Random,
    private readonly isRude = false,
  ) {
    this.socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    this.socket.setNoDelay();
    this.socket.on('data', (chunk) => this.chunks.push(chunk));
    this.socket.on('error', () => {});
    this.socket.write(`GET /${index}${isRude ? '/rude' : ''} ${HEAD}`);
  }

  private payload(isText: boolean): Buffer {
    const { random } = this;
    const length = random.oneIn(8) ? random.between(2000, 20_000) : random.between(0, 300);
    const octets = octetsOf(this.index);
    const text = letters(this.index);
    if (isText) return Buffer.from(Array.from({ length: length >> 1 }, () => text[random.below(3)]).join(''));
    return Buffer.from(Array.from({ length }, () => octets[random.below(3)]));
  }

  /** Adds a message to what waits, in one to three frames, and writes some of what waits. */
  send(): void {
    const { random } = this;
    const isText = random.oneIn(2);
    const payload = this.payload(isText);
    this.sent.push(`${isText ? 1 : 2} ${payload.toString('hex')}`);
    const cuts = [random.between(0, payload.length), random.between(0, payload.length)].sort((a, b) => a - b);
    const parts = random.oneIn(3)
      ? [payload.subarray(0, cuts[0]), payload.subarray(cuts[0], cuts[1]), payload.subarray(cuts[1])]
      : [payload];
    const frames = parts.map((part, at) => {
      const fin = at === parts.length - 1;
      return encodeFrame({ opcode: at > 0 ? 0 : isText ? 1 : 2, fin, payload: part, masked: true });
    });
    this.waiting = Buffer.concat([this.waiting, ...frames]);
    this.write(random.oneIn(2) ? this.waiting.length : random.between(0, this.waiting.length));
  }

  write(length: number = this.waiting.length): void {
    this.socket.write(this.waiting.subarray(0, length));
    this.waiting = this.waiting.subarray(length);
  }

  /** Writes all that waits, and then what breaks the protocol, or a Close. */
  finish(): void {
    const { isRude } = this;
    this.write();
    const opcode = isRude ? 3 : 8;
    this.socket.write(
      encodeFrame({ opcode, payload: isRude ? this.payload(false).subarray(0, 100) : '', masked: true }),
    );
  }

  /** What came back, once the server has closed. */
  async echoes(): Promise<string[]> {
    if (!this.socket.closed) await once(this.socket, 'close');
    const received = Buffer.concat(this.chunks);
    const start = received.indexOf('\r\n\r\n') + 4;
    return decodeFrames(received.subarray(start))
      .filter(({ opcode }) => opcode < 8)
      .map(({ opcode, payload }) => `${opcode} ${payload.toString('hex')}`);
  }
}

test('H01 64 connections with alphabets of their own: each gets its own bytes back, and no other', async () => {
  const random = new Random(64);
  const peers = Array.from({ length: CONNECTIONS }, (_, index) => new Peer(index, random));
  for (let message = 0; message < CONNECTIONS * MESSAGES; message++) {
    random.pick(peers).send();
    // Others come and go meanwhile, in the middle of a frame.
    if (message % 50 === 0) {
      const rude = new Peer(random.below(CONNECTIONS), random, true);
      rude.send();
      setTimeout(() => rude.finish(), 1);
    }
    if (message % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const peer of peers) peer.write();
  const isDone = (): boolean => echoed >= CONNECTIONS * MESSAGES;
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(foreign).toEqual([]);
  for (const peer of peers) peer.finish();
  for (const peer of peers) {
    const echoes = await peer.echoes();
    expect(echoes.length).toBe(peer.sent.length);
    // Compared one by one: what went wrong is shown, and not all that did not.
    for (const [at, echo] of echoes.entries()) if (echo !== peer.sent[at]) expect(echo).toBe(peer.sent[at]);
  }
  expect(foreign).toEqual([]);
});

test('no message is a view of the kernels’ memory, in any shape, and that memory is one buffer of one size', () => {
  expect(handedOut.length).toBeGreaterThan(CONNECTIONS);
  expect(handedOut.filter((memory) => memory === kernels.bytes.buffer)).toEqual([]);
  expect([kernels.bytes.length, kernels.bytes.buffer.byteLength, kernels.words.byteLength]).toEqual([size, size, size]);
});
