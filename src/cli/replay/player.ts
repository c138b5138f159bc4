// `Player` plays one side of a recorded connection over an open socket, and compares the messages that it receives.
import { Buffer } from 'node:buffer';
import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { Opcode } from '../../sans-io.js';
import { otherSide, type Frame, type Message, type Side } from '../traffic/frame.js';
import { Frames } from '../traffic/frames.js';
import type { RecordedFrame } from '../traffic/recorded.js';
import type { Compressions } from '../traffic/tap.js';
import { previewOf } from '../traffic/words.js';
import { frameBytes } from './frame-bytes.js';
import type { Pace } from './pace.js';
import type { Script } from './script.js';

/** The settings of a player. */
export interface Manner {
  readonly side: Side;
  /** Whether each frame waits for the messages that came before it in the recording. */
  readonly waits: boolean;
  /** The longest wait for missing messages, in ms. */
  readonly patience: number;
}

/** The result of playing a connection. */
export interface Played {
  readonly sent: number;
  readonly came: number;
  /** The number of recorded messages, and a sentence on the first one that differs or is missing, if any. */
  readonly expected: number;
  readonly difference: string | undefined;
}

export class Player {
  private came = 0;
  private sent = 0;
  private difference: string | undefined;
  private hasClosed = false;
  private peerHasClosed = false;
  private isOver = false;
  private readonly over = new AbortController();
  private wake: (() => void) | undefined;
  private readonly frames: Frames;

  constructor(
    private readonly socket: Socket,
    private readonly script: Script,
    private readonly manner: Manner,
    private readonly pace: Pace,
    compressions: Compressions,
    signal: AbortSignal,
  ) {
    const peer = otherSide(manner.side);
    this.frames = new Frames(peer, compressions?.[peer], (frame, message) => this.take(frame, message));
    const end = (): void => {
      this.isOver = true;
      this.over.abort();
      this.wake?.();
    };
    socket.on('data', (chunk: Buffer) => this.push(chunk));
    socket.on('end', end);
    socket.on('close', end);
    socket.on('error', end);
    // One for each connection that is open: there may be many.
    setMaxListeners(0, signal);
    const abort = (): void => void socket.destroy();
    signal.addEventListener('abort', abort);
    socket.on('close', () => signal.removeEventListener('abort', abort));
  }

  /** Takes bytes of the peer. */
  push(chunk: Uint8Array): void {
    this.frames.push(chunk, performance.now());
  }

  /** Sends the frames of the script, ends the connection, and returns the result. */
  async play(): Promise<Played> {
    const { script, manner, pace, over } = this;
    for (const { frame, after } of script.steps) {
      if (manner.waits && !(await this.haveCome(after))) break;
      if (!(await pace.until(frame.time, over.signal)) || this.hasClosed) break;
      pace.sends(frame.time);
      this.send(frame);
    }
    await this.haveCome(script.expected.length);
    if (!this.isOver && (await pace.until(script.end, over.signal))) await this.leave();
    this.socket.destroySoon();
    const { came, sent } = this;
    const expected = script.expected.length;
    const missing = came < expected ? `Message ${came + 1} did not come.` : undefined;
    return { sent, came, expected, difference: this.difference ?? missing };
  }

  private send(frame: RecordedFrame): void {
    if (frame.opcode === Opcode.Close) this.hasClosed = true;
    this.socket.write(frameBytes(frame));
    this.sent++;
  }

  private take({ opcode, payload }: Frame, message: Message | undefined): void {
    if (opcode === Opcode.Ping) this.answer(Opcode.Pong, payload);
    else if (opcode === Opcode.Close) {
      this.peerHasClosed = true;
      this.close(payload);
    }
    if (message !== undefined) this.compare(message);
    this.wake?.();
  }

  /** Sends a Close frame, or answers one, unless one was sent before (RFC 6455 5.5.1). */
  private close(payload: Uint8Array): void {
    if (this.hasClosed) return;
    this.hasClosed = true;
    this.answer(Opcode.Close, payload);
  }

  private answer(opcode: Opcode, payload: Uint8Array): void {
    const { length } = payload;
    const isMasked = this.manner.side === 'client';
    const from = this.manner.side;
    this.socket.write(
      frameBytes({ from, time: 0, opcode, fin: true, rsv: 0, isMasked, headerLength: undefined, length, payload }),
    );
  }

  private compare({ isBinary, data }: Message): void {
    const recorded = this.script.expected[this.came++];
    if (recorded !== undefined && this.manner.waits) this.pace.happened(recorded.time);
    if (this.difference !== undefined) return;
    const shown = data === undefined ? '(a message that is not kept)' : previewOf(data, isBinary).slice(0, 60);
    if (recorded === undefined) this.difference = `Message ${this.came} was not recorded: ${shown}.`;
    else if (data === undefined || recorded.isBinary !== isBinary || !Buffer.from(data).equals(recorded.data)) {
      const before = previewOf(recorded.data, recorded.isBinary).slice(0, 60);
      this.difference = `Message ${this.came} is ${shown} and was ${before}.`;
    }
  }

  /** Waits for `count` messages; returns false if the connection or the patience ends before they arrive. */
  private async haveCome(count: number): Promise<boolean> {
    await this.waitFor(() => this.came >= count || this.isOver, this.manner.patience);
    return this.came >= count;
  }

  /** Resolves when a frame arrives, when the connection ends, or after `ms`. */
  private async anything(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }

  /** Closes the connection, after the peer if that side closed first; a server only if the recording has a Close. */
  private async leave(): Promise<void> {
    const { script, manner } = this;
    const { closer } = script;
    if (closer === undefined && manner.side === 'server') return;
    const isClosed = (): boolean => this.isOver || this.peerHasClosed;
    if (closer === otherSide(manner.side)) await this.waitFor(isClosed, manner.patience);
    this.close(NORMAL);
    // RFC 6455 7.1.1: the server ends TCP once both sides have sent a Close frame.
    await this.waitFor(() => this.isOver || (this.peerHasClosed && manner.side === 'server'), LEAVE);
  }

  private async waitFor(isSo: () => boolean, patience: number): Promise<void> {
    const until = performance.now() + patience;
    while (!isSo() && performance.now() < until) await this.anything(until - performance.now());
  }
}

/** The time that the peer has to answer a Close, and to end the connection, in ms. */
const LEAVE = 1000;

/** The payload of a Close with 1000 (RFC 6455 7.4.1). */
const NORMAL = new Uint8Array([1000 >> 8, 1000 & 0xff]);
