// `Client` is one connection of a load: it opens, sends messages that are already encoded, and counts the answers.
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  createRequest,
  decodeClosePayload,
  encodeClosePayload,
  FIN,
  FrameDecoder,
  FrameEncoder,
  judgeResponse,
  Opcode,
  ResponseReader,
  Role,
  RSV1,
  Violation,
  VIOLATIONS,
  writeDeflateOffer,
  writeRequest,
} from '../../sans-io.js';
import { ANY_CERTIFICATE, NO_ANSWER, NO_TLS, TIMED_OUT, wordsOf } from '../command-error.js';
import type { Messages } from './messages.js';
import type { Target } from './plan.js';

/** Receives the events of clients. `now` is the time of `performance.now()`, in ms. */
export interface Owner {
  opened(client: Client): void;
  /** Called when one read has brought `count` answers. */
  answered(client: Client, count: number, now: number): void;
  /** Called once, when the connection is lost or could not be opened. */
  failed(client: Client, kind: string): void;
  /** Returns the messages to send, once the handshake has decided whether they are compressed. */
  messages(isCompressed: boolean): Messages;
}

/** All sockets read into this one buffer, because each callback runs before the next read. */
const landing = Buffer.allocUnsafeSlow(256 * 1024);
/** The server may not limit the client's window, so that one compressed form of a message fits all servers. */
const DEFLATE = { clientMaxWindowBits: false } as const;
/** The time that a server has to answer the Close at the end, in ms. */
const GOODBYE = 1000;

export class Client {
  /** The numbers of sent messages, of their answers, and of messages that came while none waited for an answer. */
  sent = 0;
  answers = 0;
  unasked = 0;
  bytesSent = 0;
  bytesReceived = 0;
  isCompressed = false;
  /** The duration of the opening, in ms. */
  opening = 0;
  readonly #target: Target;
  readonly #owner: Owner;
  readonly #socket: Socket;
  readonly #begun = performance.now();
  readonly #key = randomBytes(16).toString('base64');
  readonly #reader = new ResponseReader();
  readonly #timer: NodeJS.Timeout;
  #decoder: FrameDecoder | undefined;
  #messages!: Messages;
  /** The index in the block of the next message. */
  #next = 0;
  #isEnding = false;
  #isOver = false;

  /**
   * @param index the index of this client among those of its owner
   * @param from the index of the first message, so that not all clients send the same one at the same time
   * @param timeout the time limit of the opening handshake, in ms
   */
  constructor(
    target: Target,
    owner: Owner,
    readonly index: number,
    { from, timeout }: { from: number; timeout: number },
  ) {
    this.#target = target;
    this.#owner = owner;
    this.#next = from;
    this.#timer = setTimeout(() => this.#fail(TIMED_OUT), timeout);
    this.#socket = this.#connect();
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      const words = wordsOf(error);
      this.#fail(words === NO_TLS || words.endsWith(ANY_CERTIFICATE) ? words : (error.code ?? words));
    });
    this.#socket.on('close', () => this.#fail(this.hasOpened ? 'closed with 1006' : NO_ANSWER));
    this.#socket.resume();
    this.#socket.write(this.#request());
  }

  get hasOpened(): boolean {
    return this.#decoder !== undefined;
  }

  get isOpen(): boolean {
    return this.#decoder !== undefined && !this.#isOver;
  }

  /** The number of bytes that the operating system has not taken yet. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  /** Sends `count` messages. */
  send(count: number): void {
    const messages = this.#messages;
    for (let left = count; left > 0;) {
      const { bytes, count: sent } = messages.piece(this.#next, left);
      this.#socket.write(bytes);
      this.bytesSent += bytes.length;
      this.#next = (this.#next + sent) % messages.count;
      left -= sent;
    }
    this.sent += count;
  }

  /** Closes with 1000; resolves when the connection has closed, which it is forced to after a second. */
  end(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#isEnding = true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#socket.destroy(), GOODBYE);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      if (this.isOpen) this.#control(Opcode.Close, encodeClosePayload(1000));
      else this.#socket.destroy();
    });
  }

  #connect(): Socket {
    const { isTls, host, port, unix, isInsecure } = this.#target;
    const onread = {
      buffer: landing,
      callback: (length: number) => {
        this.#take(landing.subarray(0, length));
        return true;
      },
    };
    if (!isTls) {
      return unix === undefined
        ? connectPlain({ host, port, noDelay: true, onread })
        : connectPlain({ path: unix, onread });
    }
    const where = unix === undefined ? { host, port } : { path: unix };
    const servername = isIP(host) === 0 ? host : '';
    const socket = connectTls({ ...where, servername, rejectUnauthorized: !isInsecure });
    socket.setNoDelay();
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    return socket;
  }

  #request(): string {
    const { request, authority, headers, protocols, origin, offersDeflate } = this.#target;
    const fields = createRequest({
      key: this.#key,
      headers,
      protocols,
      origin,
      ...(offersDeflate ? { extensions: writeDeflateOffer(DEFLATE) } : {}),
    });
    return writeRequest(request, authority, fields);
  }

  #take(chunk: Uint8Array): void {
    const now = performance.now();
    if (this.#isOver) return;
    this.bytesReceived += chunk.length;
    const decoder = this.#decoder;
    if (decoder === undefined) {
      const rest = this.#open(chunk, now);
      if (rest !== undefined) this.#read(rest, now);
      return;
    }
    this.#read(chunk, now);
  }

  /** Reads the answer to the opening request; returns the bytes after it. */
  #open(chunk: Uint8Array, now: number): Uint8Array | undefined {
    const { offersDeflate, protocols } = this.#target;
    const { head, rest, error } = this.#reader.push(chunk);
    if (error !== undefined) this.#fail(error.message);
    if (head === undefined) return undefined;
    const deflate = offersDeflate ? DEFLATE : undefined;
    const answer = judgeResponse(head, { key: this.#key, protocols, deflate });
    if (!answer.agreed) {
      this.#fail(answer.message);
      return undefined;
    }
    clearTimeout(this.#timer);
    this.isCompressed = answer.deflate !== undefined;
    this.#messages = this.#owner.messages(this.isCompressed);
    this.#next %= this.#messages.count;
    this.#decoder = new FrameDecoder({ role: Role.Client, rsv: this.isCompressed ? RSV1 : 0, skipUtf8: true });
    this.opening = now - this.#begun;
    this.#owner.opened(this);
    // The bytes may be in the landing buffer, into which nothing is read before this call returns.
    return rest;
  }

  #read(chunk: Uint8Array, now: number): void {
    const decoder = this.#decoder!;
    decoder.push(chunk);
    let count = 0;
    while (decoder.next()) {
      if (decoder.violation !== Violation.None) {
        this.#fail(VIOLATIONS[decoder.violation].code);
        break;
      }
      if (decoder.opcode < Opcode.Close) {
        if (decoder.fin && decoder.end) count++;
      } else if (decoder.end && !this.#obey(decoder.opcode, decoder.payload())) break;
    }
    const asked = Math.min(count, this.sent - this.answers);
    this.unasked += count - asked;
    if (asked === 0) return;
    this.answers += asked;
    this.#owner.answered(this, asked, now);
  }

  /** Answers a control frame; returns whether more frames may follow. */
  #obey(opcode: Opcode, payload: Uint8Array): boolean {
    if (opcode === Opcode.Ping) this.#control(Opcode.Pong, payload);
    if (opcode !== Opcode.Close) return true;
    if (!this.#isEnding) this.#control(Opcode.Close, payload);
    this.#socket.end();
    this.#fail(`closed with ${decodeClosePayload(payload).code}`);
    return false;
  }

  #control(opcode: Opcode, payload: Uint8Array): void {
    const encoder = new FrameEncoder({ role: Role.Client });
    encoder.frame(FIN | opcode, payload);
    for (const chunk of encoder.take()) this.#socket.write(chunk);
  }

  #fail(kind: string): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    this.#isOver = true;
    this.#decoder?.stop();
    if (this.#isEnding) return;
    // If a Close of the peer has been answered, the socket closes by itself.
    if (!this.#socket.writableEnded) this.#socket.destroy();
    this.#owner.failed(this, kind);
  }
}
