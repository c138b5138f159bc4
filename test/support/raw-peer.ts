/**
 * A WebSocket peer made of nothing but a byte stream: writes frames a well-behaved library would not write, and shows
 * frames exactly as they lie on the wire. Shares no code with the library, so that a wrong constant cannot cancel out.
 */
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { callOverHttp2, serveOverHttp2 } from '../../src/conformance/http2.js';
import { overHttp2 } from './over-http2.js';

export type RawRole = 'client' | 'server';

/** One frame as it lay on the wire, its payload unmasked. */
export interface RawFrame {
  fin: boolean;
  rsv1: boolean;
  rsv2: boolean;
  rsv3: boolean;
  opcode: number;
  masked: boolean;
  key: Buffer;
  payload: Buffer;
  /** Bytes of the whole frame, header included. */
  length: number;
}

export interface RawFrameOptions {
  fin?: boolean;
  rsv1?: boolean;
  rsv2?: boolean;
  rsv3?: boolean;
  opcode?: number;
  payload?: Uint8Array | string;
  /** Clients mask (RFC 6455 5.3): the default follows the role of the peer that writes. */
  masked?: boolean;
  key?: Uint8Array;
  /** Announce this many bytes instead of the payload's own. */
  announce?: number | bigint;
  /** Force the 7, 16 or 64 bit length form. */
  lengthForm?: 7 | 16 | 64;
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key (RFC 6455 4.2.2). */
export function acceptFor(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

function lengthFormOf(length: bigint): 7 | 16 | 64 {
  if (length < 126n) return 7;
  return length < 65536n ? 16 : 64;
}

/** The bytes of one frame (RFC 6455 5.2). */
export function encodeFrame(options: RawFrameOptions): Buffer {
  const { fin = true, rsv1 = false, rsv2 = false, rsv3 = false, opcode = 1, masked = false } = options;
  const payload = Buffer.from(options.payload ?? '');
  const announced = BigInt(options.announce ?? payload.length);
  const form = options.lengthForm ?? lengthFormOf(announced);
  const header = [
    (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | (rsv2 ? 0x20 : 0) | (rsv3 ? 0x10 : 0) | opcode,
    (masked ? 0x80 : 0) | (form === 7 ? Number(announced) : form === 16 ? 126 : 127),
  ];
  const octets = form === 7 ? 0 : form === 16 ? 2 : 8;
  for (let i = octets - 1; i >= 0; i--) header.push(Number((announced >> BigInt(8 * i)) & 0xffn));
  if (!masked) return Buffer.concat([Buffer.from(header), payload]);
  const key = Buffer.from(options.key ?? randomBytes(4));
  return Buffer.concat([Buffer.from(header), key, payload.map((octet, i) => octet ^ key[i & 3])]);
}

/** The first whole frame in `bytes`, or undefined where bytes are missing. */
export function decodeFrame(bytes: Buffer): RawFrame | undefined {
  if (bytes.length < 2) return undefined;
  const form = bytes[1] & 0x7f;
  let at = form < 126 ? 2 : form === 126 ? 4 : 10;
  if (bytes.length < at) return undefined;
  const length = form < 126 ? form : form === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const masked = (bytes[1] & 0x80) !== 0;
  const key = masked ? bytes.subarray(at, at + 4) : Buffer.alloc(0);
  if (masked) at += 4;
  if (bytes.length < at + length) return undefined;
  const body = bytes.subarray(at, at + length);
  return {
    fin: (bytes[0] & 0x80) !== 0,
    rsv1: (bytes[0] & 0x40) !== 0,
    rsv2: (bytes[0] & 0x20) !== 0,
    rsv3: (bytes[0] & 0x10) !== 0,
    opcode: bytes[0] & 0x0f,
    masked,
    key: Buffer.from(key),
    payload: Buffer.from(masked ? body.map((octet, i) => octet ^ key[i & 3]) : body),
    length: at + length,
  };
}

/** All frames in `bytes`; throws when the last one is cut short. */
export function decodeFrames(bytes: Buffer): RawFrame[] {
  const frames: RawFrame[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const frame = decodeFrame(rest);
    if (frame === undefined) throw new Error(`${rest.length} bytes that are no whole frame: ${rest.toString('hex')}`);
    frames.push(frame);
    rest = rest.subarray(frame.length);
  }
  return frames;
}

/** One end of a byte stream that speaks frames by hand. */
export class RawPeer {
  readonly socket: Duplex;
  readonly role: RawRole;
  /** Resolves when the other side ended its half of the stream. */
  readonly ended: Promise<void>;
  /** Resolves when the stream is gone, however it went. */
  readonly closed: Promise<void>;
  #bytes: Buffer = Buffer.alloc(0);
  #over = false;
  #waiting: (() => void)[] = [];

  constructor(socket: Duplex, role: RawRole, { endWithPeer = true }: { endWithPeer?: boolean } = {}) {
    this.socket = socket;
    this.role = role;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      socket.once('end', () => {
        this.#over = true;
        this.#wake();
        resolve();
        if (endWithPeer) socket.end();
      });
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#over = true;
        this.#wake();
        resolve();
      });
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Bytes that have arrived and nobody has read. */
  get unread(): Buffer {
    return this.#bytes;
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Resets the connection, or its stream. */
  reset(): void {
    if (this.socket instanceof net.Socket) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  /** Writes frames in one piece, masked as the role demands unless told otherwise. */
  send(...frames: RawFrameOptions[]): void {
    this.write(Buffer.concat(frames.map((options) => this.encode(options))));
  }

  encode(options: RawFrameOptions): Buffer {
    return encodeFrame({ masked: this.role === 'client', ...options });
  }

  close(code?: number, reason = ''): void {
    const payload = Buffer.concat([code === undefined ? Buffer.alloc(0) : closeCode(code), Buffer.from(reason)]);
    this.send({ opcode: 8, payload });
  }

  /** Reads up to and with the empty line that ends an HTTP head. */
  async readHead(): Promise<string> {
    for (;;) {
      const at = this.#bytes.indexOf('\r\n\r\n');
      if (at !== -1) {
        const head = this.#bytes.toString('latin1', 0, at + 4);
        this.#bytes = this.#bytes.subarray(at + 4);
        return head;
      }
      if (this.#over) throw new Error(`the stream ended inside a head: ${JSON.stringify(this.#bytes.toString())}`);
      await this.#more();
    }
  }

  /** Reads one frame; fails when the stream ends first. */
  async readFrame(): Promise<RawFrame> {
    for (;;) {
      const frame = decodeFrame(this.#bytes);
      if (frame !== undefined) {
        this.#bytes = this.#bytes.subarray(frame.length);
        return frame;
      }
      if (this.#over) throw new Error(`the stream ended where a frame was due: ${this.#bytes.toString('hex')}`);
      await this.#more();
    }
  }

  /** Reads a Close frame, passing over what comes before it; undefined stands for an empty payload. */
  async readClose(): Promise<{ code: number | undefined; reason: string }> {
    for (;;) {
      const { opcode, payload } = await this.readFrame();
      if (opcode !== 8) continue;
      return { code: payload.length === 0 ? undefined : payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
    }
  }

  /** Everything until the other side ended. */
  async readToEnd(): Promise<Buffer> {
    while (!this.#over) await this.#more();
    const bytes = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    return bytes;
  }

  async readFramesToEnd(): Promise<RawFrame[]> {
    return decodeFrames(await this.readToEnd());
  }
}

/** The payload of a Close frame without a reason. */
export function closeCode(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return payload;
}

export const RAW_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The header lines of a plain opening handshake; a value of undefined leaves the line out. */
export function requestHead(changes: Record<string, string | undefined> = {}, requestLine = 'GET / HTTP/1.1'): string {
  const headers: Record<string, string | undefined> = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': RAW_KEY,
    'Sec-WebSocket-Version': '13',
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return [requestLine, ...lines, '', ''].join('\r\n');
}

/** The head of a 101 answer to a request head; a value of undefined leaves the line out. */
export function responseHead(request: string, changes: Record<string, string | undefined> = {}): string {
  const key = headerOf(request, 'sec-websocket-key') ?? '';
  const headers: Record<string, string | undefined> = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Accept': acceptFor(key),
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return ['HTTP/1.1 101 Switching Protocols', ...lines, '', ''].join('\r\n');
}

/** The value of a header in a head, by its name in lower case. */
export function headerOf(head: string, name: string): string | undefined {
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}

export interface RawConnectOptions {
  headers?: Record<string, string | undefined>;
  requestLine?: string;
  /** Bytes glued to the request head. */
  after?: Uint8Array;
  endWithPeer?: boolean;
}

function halfOpen(socket: Duplex): Duplex {
  socket.allowHalfOpen = true;
  return socket;
}

/** Connects and sends an opening handshake, without looking at the answer. */
export function requestRaw(port: number, options: RawConnectOptions = {}): RawPeer {
  const socket = overHttp2
    ? halfOpen(callOverHttp2(`127.0.0.1:${port}`, false, {}))
    : net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const peer = new RawPeer(socket, 'client', options);
  const head = requestHead(options.headers, options.requestLine);
  peer.write(options.after ? Buffer.concat([Buffer.from(head), options.after]) : head);
  return peer;
}

/** Connects, shakes hands, and fails unless the answer is 101. */
export async function connectRaw(
  port: number,
  options: RawConnectOptions = {},
): Promise<{ peer: RawPeer; head: string }> {
  const peer = requestRaw(port, options);
  const head = await peer.readHead();
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`no 101: ${head}`);
  return { peer, head };
}

/** A server that hands each connection over with its request head already read and nothing answered. */
export async function listenRaw(
  accept: (peer: RawPeer, request: string) => void,
  options: { endWithPeer?: boolean } = {},
): Promise<{ port: number; server: net.Server; stop: () => void }> {
  const held = new Set<{ destroy: () => void }>();
  const serve = (socket: Duplex): void => {
    held.add(socket);
    const peer = new RawPeer(socket, 'server', options);
    peer.readHead().then(
      (request) => accept(peer, request),
      () => socket.destroy(),
    );
  };
  const server = overHttp2
    ? serveOverHttp2(
        undefined,
        (socket) => serve(halfOpen(socket)),
        (session) => held.add(session),
      )
    : net.createServer({ allowHalfOpen: true, noDelay: true }, serve);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const stop = (): void => {
    for (const each of held) each.destroy();
    server.close();
  };
  return { port: (server.address() as net.AddressInfo).port, server, stop };
}
