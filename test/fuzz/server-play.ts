// Bytes choose what happens to a whole server on a mock socket: requests, frames, chunks, short writes, errors, timers, calls
// of its methods, from handlers too. What they break becomes a sentence (house rules E10, E11, E13, G05, G07 of SECURITY.md).
import { createServer } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { WebSocketServer } from '../../src/node/server.js';
import type { WebSocket } from '../../src/node/websocket.js';
import { generateStream } from '../support/generate.js';
import { encodeFrame } from '../support/raw-peer.js';
import { Choices } from './choices.js';
import { Clock } from './clock.js';
import { MockDuplex, MockNetSocket, Mouth, type MockSocket } from './mock-socket.js';
import { Witness } from './witness.js';

const http = createServer();
/** What handlers throw on purpose. */
const PLANTED = new Error('planted');
const REQUEST = [
  'GET / HTTP/1.1',
  'Host: a',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];
const TEXTS = ['', 'a', 'Zürich', '😀'.repeat(30), 'x'.repeat(126), 'y'.repeat(1500)];

/** Errors that reached nobody while a program was played. */
let stray: unknown[] = [];

/** Catches what would end the process; once for each thread. */
export function watch(): void {
  process.on('uncaughtException', (error) => error !== PLANTED && stray.push(error));
  process.on('unhandledRejection', (error) => error !== PLANTED && stray.push(error));
}

/** Plays a program to its end, and says what went wrong. */
export async function playServer(program: Uint8Array): Promise<string | undefined> {
  const clock = new Clock();
  stray = [];
  clock.install();
  const game = new Game(new Choices(program), clock);
  try {
    await game.play();
  } catch (error) {
    return `thrown: ${(error as Error).stack}`;
  } finally {
    clock.uninstall();
  }
  if (stray.length > 0) return `reached nobody: ${(stray[0] as Error)?.stack ?? String(stray[0])}`;
  return game.verdict();
}

class Game {
  private readonly witness = new Witness();
  private readonly mouth: Mouth;
  private readonly socket: MockSocket;
  private readonly server: WebSocketServer;
  private readonly deflates: boolean;
  private websocket: WebSocket | undefined;
  private pending: Buffer = Buffer.alloc(0);
  private hasEnded = false;
  private isCalm = false;
  private depth = 0;

  constructor(
    private readonly choices: Choices,
    private readonly clock: Clock,
  ) {
    this.mouth = new Mouth(choices, () => this.isCalm || this.websocket === undefined);
    const kind = choices.below(3);
    this.socket = kind === 0 ? new MockDuplex(this.mouth) : new MockNetSocket(this.mouth);
    this.deflates = choices.oneIn(3);
    const maxPayload = choices.pick([100_000, 100_000, 300, 20]);
    const maxFragments = choices.oneIn(8) ? 3 : 0;
    const maxBackpressure = choices.oneIn(6) ? 500 : 0;
    const skipUTF8Validation = choices.oneIn(8);
    this.server = new WebSocketServer({
      server: http,
      perMessageDeflate: this.deflates && {
        threshold: choices.pick([0, 10]),
        serverNoContextTakeover: choices.oneIn(2),
      },
      maxPayload,
      maxFragments,
      autoPong: !choices.oneIn(4),
      allowSynchronousEvents: !choices.oneIn(3),
      maxBackpressure,
      heartbeat: choices.oneIn(6) ? { interval: 1000, timeout: 1000 } : undefined,
      statistics: choices.oneIn(6),
      skipUTF8Validation,
      readPath: kind === 1 ? 'data' : 'landing',
    });
    this.server.on('connection', (websocket) => this.open(websocket));
    Object.assign(this.witness, { maxPayload, skipUtf8: skipUTF8Validation });
    this.witness.isGentle = maxFragments === 0 && maxBackpressure === 0;
  }

  async play(): Promise<void> {
    const { choices, socket } = this;
    http.emit('connection', socket);
    this.pending = this.request();
    while (!choices.isDone) await this.step(choices.below(24));
    await this.end();
  }

  verdict(): string | undefined {
    if (this.websocket === undefined) return undefined;
    return this.witness.verdict(this.mouth, this.deflates);
  }

  private request(): Buffer {
    const extensions = this.deflates ? ['Sec-WebSocket-Extensions: permessage-deflate'] : [];
    const head = Buffer.from([...REQUEST, ...extensions, '', ''].join('\r\n'));
    if (this.choices.oneIn(20)) head[this.choices.below(head.length)] = this.choices.below(256);
    return head;
  }

  private open(websocket: WebSocket): void {
    const { choices, witness } = this;
    this.websocket = websocket;
    witness.hasErrorListener = !choices.oneIn(3);
    websocket.on('message', (data, isBinary) =>
      this.handle(() => witness.received(isBinary ? 'binary' : 'text', data)),
    );
    websocket.on('ping', (data: Buffer) => this.handle(() => witness.received('ping', data)));
    websocket.on('pong', (data: Buffer) => this.handle(() => witness.received('pong', data)));
    websocket.on('close', () => this.handle(() => witness.closed()));
    websocket.on('drain', () => this.handle(() => {}));
    if (witness.hasErrorListener) websocket.on('error', () => this.handle(() => witness.failed(), false));
    if (choices.oneIn(4)) this.call();
  }

  /** Notes an event; at times the handler does something, or throws. */
  private handle(note: () => void, mayThrow = true): void {
    note();
    const { choices } = this;
    if (this.isCalm || choices.isDone || this.depth > 3 || !choices.oneIn(4)) return;
    if (mayThrow && choices.oneIn(10)) {
      this.witness.isGentle = false;
      throw PLANTED;
    }
    this.call();
  }

  private async step(kind: number): Promise<void> {
    const { choices, clock, socket, witness } = this;
    const attempt = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        if (error !== PLANTED) throw error;
      }
    };
    if (kind < 5) this.addFrames();
    else if (kind < 10) attempt(() => this.deliver(choices.below(200) + 1));
    else if (kind < 11) attempt(() => this.deliver(this.pending.length));
    else if (kind < 16) attempt(() => this.call());
    else if (kind < 18) attempt(() => this.mouth.release());
    else if (kind === 18) attempt(() => clock.turn());
    else if (kind === 19) await nextTurn();
    else if (kind === 20 && choices.oneIn(3)) {
      witness.isGentle = false;
      attempt(() => clock.pass());
    } else if (kind === 21 && choices.oneIn(3)) {
      attempt(() => this.deliver(this.pending.length));
      attempt(() => this.deliverEnd());
      witness.isGentle = false;
    } else if (kind === 22 && choices.oneIn(4)) {
      witness.isGentle = false;
      attempt(() => void socket.destroy(choices.oneIn(2) ? new Error('read ECONNRESET') : undefined));
    } else if (kind === 23 && choices.oneIn(4)) attempt(() => this.server.close());
  }

  private addFrames(): void {
    const { choices } = this;
    if (choices.oneIn(6)) {
      const { wire } = generateStream(choices);
      this.pending = Buffer.concat([this.pending, wire.subarray(0, 4000)]);
      return;
    }
    const opcode = choices.pick([0, 1, 1, 2, 2, 8, 9, 9, 10]);
    const payload = opcode === 8 ? choices.pick(['', '\u0003è', '\u0003èbye']) : choices.pick(TEXTS);
    const frame = encodeFrame({
      opcode,
      payload: opcode > 7 ? Buffer.from(payload, 'latin1').subarray(0, 125) : Buffer.from(payload),
      fin: opcode > 7 || !choices.oneIn(4),
      rsv1: choices.oneIn(12),
      masked: !choices.oneIn(40),
      key: choices.octets(4),
    });
    this.pending = Buffer.concat([this.pending, frame]);
  }

  private deliver(length: number): void {
    const chunk = Buffer.from(this.pending.subarray(0, length));
    this.pending = this.pending.subarray(length);
    if (chunk.length === 0 || this.socket.destroyed || this.hasEnded) return;
    if (this.websocket === undefined) this.witness.head.push(Buffer.from(chunk));
    else this.witness.wire.push(Buffer.from(chunk));
    this.socket.receive(chunk);
  }

  private deliverEnd(): void {
    if (!this.hasEnded) this.socket.receiveEnd();
    this.hasEnded = true;
  }

  /** Calls one of the methods that a user may call. */
  private call(): void {
    const { choices, websocket, witness } = this;
    if (websocket === undefined) return;
    this.depth++;
    try {
      const kind = choices.below(16);
      if (kind < 6) this.send(websocket);
      else if (kind === 6 || kind === 7) {
        const data = choices.pick(TEXTS.slice(0, 4)).slice(0, 30);
        const callback = this.expect(websocket, 9, Buffer.from(data));
        if (kind === 6) websocket.ping(data, undefined, (error) => callback.call(error));
        else websocket.pong(data, undefined, (error) => callback.call(error));
      } else if (kind === 8) {
        if (choices.oneIn(3)) websocket.close(choices.pick([undefined, 1000, 3000]), undefined);
        else websocket.close();
      } else if (kind === 9 && choices.oneIn(3)) {
        witness.isGentle = false;
        websocket.terminate();
      } else if (kind === 10) websocket.pause();
      else if (kind === 11) websocket.resume();
      else if (kind === 12) {
        if (websocket.bufferedAmount < 0) throw new Error('a negative bufferedAmount');
      } else if (kind === 13) websocket.binaryType = choices.pick(['nodebuffer', 'arraybuffer', 'fragments']);
      else if (kind === 14 && !this.witness.isFragmenting) {
        const text = choices.pick(TEXTS);
        if (websocket.readyState === 1) witness.sent(1, Buffer.from(text));
        this.server.broadcast(text);
      } else void websocket.needDrain;
    } finally {
      this.depth--;
    }
  }

  private send(websocket: WebSocket): void {
    const { choices, witness } = this;
    const fin = !choices.oneIn(6);
    const compress = !choices.oneIn(4);
    let data: string | Buffer = choices.pick(TEXTS);
    if (choices.oneIn(2)) data = Buffer.from(data);
    if (choices.oneIn(24)) data = Buffer.alloc(70_000, 'z');
    const binary = choices.oneIn(2);
    const callback = this.expect(websocket, 1, Buffer.from(data));
    if (callback.isAccepted) witness.isFragmenting = !fin;
    websocket.send(data, { fin, compress, binary }, (error) => callback.call(error));
    // Too much was waiting, and the connection was ended instead.
    if (callback.isAccepted && websocket.readyState !== 1) callback.reject();
    // What was handed over may be changed once it has gone out or been copied; long data is lent until the callback.
    if (typeof data !== 'string' && data.length < 100) data.fill(0xee);
  }

  /** Expects one call of the callback, after those before it. */
  private expect(
    websocket: WebSocket,
    opcode: number,
    data: Buffer,
  ): { call(error?: Error | null): void; reject(): void; isAccepted: boolean } {
    const { witness } = this;
    const isAccepted = websocket.readyState === 1;
    const told = witness.expectCallback(isAccepted ? opcode : undefined, data);
    return {
      isAccepted,
      call: (error) => this.handle(() => told.call(error ?? undefined)),
      reject: () => told.reject(),
    };
  }

  /** Lets everything come to its end: first of itself, then by the peer's end, then by time, then by force. */
  private async end(): Promise<void> {
    this.isCalm = true;
    const { socket, websocket, clock } = this;
    const ways: (() => void)[] = [
      () => this.deliver(this.pending.length),
      () => websocket?.resume(),
      () => this.deliverEnd(),
      () => clock.pass(),
      () => clock.pass(),
      () => websocket?.terminate(),
      () => void socket.destroy(),
      () => clock.pass(),
    ];
    for (const way of ways) {
      if (this.witness.closes > 0) break;
      way();
      for (let turn = 0; turn < 60 && this.witness.closes === 0; turn++) {
        this.mouth.release();
        clock.turn();
        await nextTurn();
      }
    }
    socket.destroy();
    this.server.close();
    clock.pass();
    for (let turn = 0; turn < 3; turn++) {
      clock.turn();
      await nextTurn();
    }
  }
}
