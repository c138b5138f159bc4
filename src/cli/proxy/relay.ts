// `Relay` passes the bytes of one connection from each end to the other, and shows them to a tap.
import type { Socket } from 'node:net';
import { otherSide, SIDES, type Side } from '../traffic/frame.js';
import { Faults, type Ends, type FaultPlan } from './faults.js';
import type { HeadRewriter } from './head-rewriter.js';

/** Receives the bytes of both ends of a connection. */
export interface RelayTap {
  push(from: Side, chunk: Uint8Array): void;
  end(from: Side): void;
}

export interface RelayOptions {
  readonly tap: RelayTap | undefined;
  readonly plan: FaultPlan | undefined;
  /** Rewrites the head of the client's first request. */
  readonly rewriter: HeadRewriter | undefined;
  /** Called when a frame was dropped, the connection was cut, an end failed, and both ends are closed. */
  dropped(from: Side, number: number, opcode: number): void;
  cut(): void;
  failed(side: Side, error: Error): void;
  ended(): void;
}

export class Relay implements Ends {
  private readonly faults: Faults | undefined;
  /** Reasons not to read from a side: the other end's buffer is full, or the faults hold too many bytes. */
  private readonly isFull: Record<Side, boolean> = { client: false, server: false };
  private readonly isHeld: Record<Side, boolean> = { client: false, server: false };
  private closed = 0;

  constructor(
    private readonly sockets: Readonly<Record<Side, Socket>>,
    private readonly options: RelayOptions,
    public isPaused: boolean,
  ) {
    const { plan } = options;
    if (plan !== undefined) this.faults = new Faults(plan, this);
    for (const side of SIDES) this.join(side);
  }

  /** The number of bytes that each side has sent. */
  get bytes(): Readonly<Record<Side, number>> {
    return { client: this.sockets.client.bytesRead, server: this.sockets.server.bytesRead };
  }

  /** Pauses both directions, or resumes them. */
  pause(pauses: boolean): void {
    this.isPaused = pauses;
    for (const side of SIDES) this.flow(side);
  }

  /** Closes both ends after the bytes that were passed. */
  cut(): void {
    this.options.cut();
    for (const side of SIDES) this.sockets[side].destroySoon();
  }

  destroy(): void {
    for (const side of SIDES) this.sockets[side].destroy();
  }

  pass(from: Side, bytes: Uint8Array): void {
    if (!this.sockets[otherSide(from)].write(bytes)) this.fill(from);
  }

  finish(from: Side): void {
    const sink = this.sockets[otherSide(from)];
    if (this.sockets[from].destroyed) sink.destroySoon();
    else sink.end();
  }

  dropped(from: Side, number: number, opcode: number): void {
    this.options.dropped(from, number, opcode);
  }

  hold(from: Side, holds: boolean): void {
    this.isHeld[from] = holds;
    this.flow(from);
  }

  private join(from: Side): void {
    const source = this.sockets[from];
    const sink = this.sockets[otherSide(from)];
    const { faults } = this;
    const { tap, rewriter } = this.options;
    source.setNoDelay(true);
    if (faults === undefined && (from === 'server' || rewriter === undefined)) {
      // Without faults and a rewriter, chunks go straight from socket to socket.
      source.on('data', (chunk: Buffer) => {
        if (!sink.write(chunk)) this.fill(from);
        tap?.push(from, chunk);
      });
    } else {
      source.on('data', (chunk: Buffer) => {
        this.take(from, from === 'client' && rewriter !== undefined ? rewriter.push(chunk) : chunk);
      });
    }
    sink.on('drain', () => {
      this.isFull[from] = false;
      this.flow(from);
    });
    source.on('end', () => {
      if (from === 'client' && rewriter !== undefined) this.take(from, rewriter.end());
      tap?.end(from);
      if (faults === undefined) this.finish(from);
      else faults.end(from);
    });
    source.on('error', (error) => this.options.failed(from, error));
    source.on('close', () => {
      this.closed++;
      if (this.closed === 1) {
        // If frames are delayed before a clean end, `finish` closes the other end behind them.
        if (!(source.readableEnded && faults?.isWaiting(from))) sink.destroySoon();
      } else {
        faults?.stop();
        this.options.ended();
      }
    });
    this.flow(from);
  }

  private take(from: Side, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const { faults } = this;
    const { tap } = this.options;
    if (faults === undefined) this.pass(from, bytes);
    tap?.push(from, bytes);
    // After the tap, which shows the frames that lead to a fault before the fault.
    faults?.push(from, bytes);
  }

  private fill(from: Side): void {
    this.isFull[from] = true;
    this.flow(from);
  }

  /** Pauses or resumes reading from a side, by its state. */
  private flow(from: Side): void {
    const source = this.sockets[from];
    if (this.isPaused || this.isFull[from] || this.isHeld[from]) source.pause();
    else source.resume();
  }
}
