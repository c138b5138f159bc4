// `Conversation` sends the lines of a person, or of a pipe, over one open connection, and prints the messages.
import { Buffer } from 'node:buffer';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { WebSocket } from '../../index.js';
import { isValidCloseCode } from '../../sans-io.js';
import { wordsOf } from '../command-error.js';
import type { Terminal } from '../terminal.js';
import { explainClose } from './close-words.js';
import type { SessionRecord } from './session-record.js';
import { colourJson, hexDump, printable } from './show.js';

/** The source of the lines. */
export interface Person {
  readonly input: Readable;
  /** Whether a person types them, so that lines that begin with a slash are commands. */
  readonly isTyping: boolean;
  /** Whether the output goes to a terminal, to which a peer could give orders, and whether it has colours. */
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
}

/** Returns the standard input of this program: a person at a terminal, or a pipe. */
export function ownPerson(): Person {
  const { stdin, stdout } = process;
  const isTerminal = stdout.isTTY;
  return { input: stdin, isTyping: stdin.isTTY, isTerminal, hasColours: isTerminal && !process.env.NO_COLOR };
}

/** `readyState` of an open WebSocket. */
const OPEN = 1;
/** The time that a peer has to answer the Close after Ctrl-C, in ms. */
const LEAVE = 1000;
/** When this many bytes wait to be sent, no more lines are read until some of them are sent. */
const HIGH_WATER: number = 16 * 1024 * 1024;

/** How lines are sent. */
export interface Talk {
  readonly isBinary: boolean;
  /** The time to wait for messages after the last line of a pipe, in ms. */
  readonly wait: number;
}

export class Conversation {
  readonly ended: Promise<{ code: number; reason: string }>;
  /** The arrival of the first message on the clock of `performance.now()`; 0 before. */
  first = 0;
  readonly #pings = new Map<string, number>();
  #count = 0;

  constructor(
    private readonly websocket: WebSocket,
    private readonly settings: Talk,
    private readonly terminal: Terminal,
    private readonly person: Person,
    signal: AbortSignal,
    private readonly recording: SessionRecord | undefined,
  ) {
    websocket.on('message', (data: Buffer, isBinary: boolean) => this.#show(data, isBinary));
    websocket.on('ping', (data: Buffer) => {
      recording?.ping('server', data);
      this.#sending?.pong('client', data);
    });
    websocket.on('pong', (data: Buffer) => this.#ponged(data));
    websocket.on('error', (error: Error) => terminal.err(`${error.message}\n`));
    if (settings.isBinary && !person.isTyping) this.#sendBytes();
    else {
      const lines = createInterface({ input: person.input });
      lines.on('line', (line) => this.#take(line));
      lines.on('close', () => this.#inputEnded());
      websocket.once('close', () => lines.close());
    }
    signal.addEventListener('abort', () => {
      this.#close(1000, '');
      setTimeout(() => websocket.terminate(), LEAVE).unref();
    });
    this.ended = new Promise((resolve) => {
      websocket.once('close', (code: number, reason: Buffer) => {
        person.input.destroy();
        terminal.err(
          `Closed with ${code} (${explainClose(code)})${reason.length > 0 ? `: ${printable(String(reason))}` : ''}.\n`,
        );
        recording?.close('server', code, reason);
        resolve({ code, reason: this.#safe(String(reason)) });
      });
    });
  }

  /** Sends the lines of a pipe byte by byte as they are; as text, what is no UTF-8 would be replaced. */
  #sendBytes(): void {
    const { input } = this.person;
    let rest = '';
    input.setEncoding('latin1');
    input.on('data', (chunk: string) => {
      const lines = chunk.split('\n');
      lines[0] = rest + lines[0];
      rest = lines.pop()!;
      for (const line of lines) this.#send(Buffer.from(line, 'latin1'));
    });
    input.on('end', () => {
      if (rest !== '') this.#send(Buffer.from(rest, 'latin1'));
      this.#inputEnded();
    });
  }

  #inputEnded(): void {
    if (this.websocket.readyState !== OPEN) return;
    if (this.person.isTyping) this.#close(1000, '');
    // The open connection keeps the program running, and this timer alone does not.
    else setTimeout(() => this.#close(1000, ''), this.settings.wait).unref();
  }

  #show(data: Buffer, isBinary: boolean): void {
    this.first ||= performance.now();
    this.recording?.message('server', data, isBinary);
    const text = isBinary ? hexDump(data) : this.#safe(String(data));
    this.terminal.out(`${this.person.hasColours ? colourJson(text) : text}\n`);
  }

  #safe(text: string): string {
    return this.person.isTerminal ? printable(text) : text;
  }

  #take(line: string): void {
    const command = this.person.isTyping ? /^\/(?!\/)(\S*)\s*(.*)$/.exec(line) : null;
    if (command === null) this.#send(this.person.isTyping && line.startsWith('//') ? line.slice(1) : line);
    else this.#obey(command[1], command[2]);
  }

  #send(data: string | Buffer, isBinary: boolean = this.settings.isBinary): void {
    const { websocket, person } = this;
    websocket.send(data, { binary: isBinary }, () => {
      if (websocket.bufferedAmount < HIGH_WATER) person.input.resume();
    });
    if (websocket.bufferedAmount >= HIGH_WATER) person.input.pause();
    this.#sending?.message('client', data, isBinary);
  }

  /** The recording, as long as messages are sent: what follows a Close is not. */
  get #sending(): SessionRecord | undefined {
    return this.websocket.readyState === OPEN ? this.recording : undefined;
  }

  #close(code: number, reason: string): void {
    const isOpen = this.websocket.readyState === OPEN;
    this.websocket.close(code, reason);
    if (isOpen) this.recording?.close('client', code, reason);
  }

  #obey(name: string, rest: string): void {
    const { websocket, terminal } = this;
    try {
      if (name === 'ping') {
        const text = rest || `wsimd ${++this.#count}`;
        this.#pings.set(text, performance.now());
        websocket.ping(text);
        this.#sending?.ping('client', text);
      } else if (name === 'hex') {
        const digits = rest.replaceAll(/\s/g, '');
        if (!/^(?:[\da-f]{2})+$/i.test(digits)) terminal.err('/hex takes pairs of hex digits, such as 00 ff.\n');
        else this.#send(Buffer.from(digits, 'hex'), true);
      } else if (name === 'close') {
        const [, code, reason] = /^(\S*)\s*(.*)$/.exec(rest)!;
        const given = code === '' ? 1000 : Number(code);
        if (isValidCloseCode(given)) this.#close(given, reason);
        else terminal.err(`/close takes a code that may be sent, such as 1000 or 3000 to 4999, not ${code}.\n`);
      } else {
        terminal.err(`There is no /${name}. There are: /ping, /hex, /close, and // for text that begins with /.\n`);
      }
    } catch (error) {
      terminal.err(`${wordsOf(error)}.\n`);
    }
  }

  #ponged(data: Buffer): void {
    this.recording?.pong('server', data);
    const text = String(data);
    const since = this.#pings.get(text);
    this.#pings.delete(text);
    const took = since === undefined ? 'that was not asked for' : `after ${(performance.now() - since).toFixed(2)} ms`;
    this.terminal.err(`Pong ${took}.\n`);
  }
}
