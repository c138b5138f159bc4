// `Gate` listens for clients, connects each to the target, and relays between them.
import { createServer, connect as connectNet, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { CommandError, NO_ANSWER, wordsOf } from '../command-error.js';
import { listenOn } from '../target.js';
import type { FrameStart } from '../traffic/filter.js';
import { kindOf, SIDES, type Side } from '../traffic/frame.js';
import { HeadRewriter } from './head-rewriter.js';
import { Relay } from './relay.js';
import type { ProxySettings } from './settings.js';
import { watchTap, type Passing, type Watch } from './watch.js';

/** The hint that follows the note of a refusal, unless the proxy rewrites Host. */
const HINT = ' If the server wants its own name in requests: --rewrite-host.';

/** The counts over all connections. */
export interface Totals {
  connections: number;
  readonly bytes: Record<Side, number>;
  readonly frames: Record<Side, number>;
  faults: number;
  dropped: number;
  cut: number;
}

export class Gate {
  readonly totals: Totals = {
    connections: 0,
    bytes: { client: 0, server: 0 },
    frames: { client: 0, server: 0 },
    faults: 0,
    dropped: 0,
    cut: 0,
  };
  private readonly server: Server;
  private readonly relays = new Map<Relay, Passing>();
  private stands = false;
  /** Called when the last connection has ended. */
  private whenIdle: () => void = () => undefined;

  /**
   * @param watches receive all that passes; without any, no tap reads the bytes
   * @param tell receives sentences about events of connections, and the frame that one is about
   * @throws CommandError for a certificate that cannot be used
   */
  constructor(
    private readonly settings: ProxySettings,
    private readonly watches: readonly Watch[],
    private readonly tell: (connection: Passing, text: string, frame?: FrameStart) => void,
  ) {
    const take = (socket: Socket): void => this.take(socket);
    const { tls } = settings;
    try {
      this.server =
        tls === undefined
          ? createServer({ allowHalfOpen: true, noDelay: true }, take)
          : createTlsServer({ ...tls, allowHalfOpen: true, noDelay: true } as object, take);
    } catch (error) {
      throw new CommandError(`The certificate or its key cannot be used: ${wordsOf(error)}.`);
    }
    // A failed TLS handshake ends only that client's connection.
    this.server.on('tlsClientError', () => undefined);
  }

  /** Whether the proxy is paused, so that no bytes pass. */
  get isPaused(): boolean {
    return this.stands;
  }

  /** Pauses all connections, or resumes them. */
  pause(pauses: boolean): void {
    this.stands = pauses;
    for (const relay of this.relays.keys()) relay.pause(pauses);
  }

  /**
   * Begins to listen.
   * @returns the port
   * @throws CommandError
   */
  listen(): Promise<number> {
    return listenOn(this.server, this.settings, 'LISTEN');
  }

  /** Stops listening, and destroys all connections. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const relay of this.relays.keys()) relay.destroy();
    await closed;
    if (this.relays.size > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve));
  }

  private take(client: Socket): void {
    const { settings, watches } = this;
    const { target, plan, rewritesHost } = settings;
    const address = client.remoteAddress ?? 'nowhere';
    const peer = `${address.includes(':') ? `[${address}]` : address}:${client.remotePort ?? 0}`;
    const passing: Passing = {
      number: ++this.totals.connections,
      peer,
      url: target.url,
      startedAt: 0,
      openedAt: 0,
      frames: { client: 0, server: 0 },
      faults: 0,
      wireLines: 0,
    };
    for (const watch of watches) watch.connected?.(passing);
    const server =
      target.tls === undefined
        ? connectNet({ ...target.connection, allowHalfOpen: true })
        : connectTls({ ...target.connection, ...target.tls, allowHalfOpen: true } as object);
    server.once('end', () => {
      if (server.bytesRead === 0 && !client.readableEnded) this.tell(passing, `The server says nothing: ${NO_ANSWER}.`);
    });
    let hasMet = false;
    server.once(target.tls === undefined ? 'connect' : 'secureConnect', () => (hasMet = true));
    const relay: Relay = new Relay(
      { client, server },
      {
        tap: watchTap(passing, watches, target.url, rewritesHost ? '' : HINT),
        plan,
        rewriter: rewritesHost ? new HeadRewriter(target.authority, target.origin) : undefined,
        dropped: (from, number, opcode) => {
          this.totals.dropped++;
          this.tell(passing, `Frame ${number} of the ${from}, ${kindOf(opcode)}, is dropped.`, { from, opcode });
        },
        cut: () => {
          this.totals.cut++;
          this.tell(passing, 'The connection is cut, as --cut asks.');
        },
        failed: (side, error) => {
          if (side === 'client') this.tell(passing, `The client fails: ${wordsOf(error)}.`);
          else
            this.tell(
              passing,
              `${hasMet ? 'The server fails' : `Cannot connect to ${target.url}`}: ${wordsOf(error)}.`,
            );
        },
        ended: () => this.forget(relay),
      },
      this.stands,
    );
    this.relays.set(relay, passing);
  }

  private forget(relay: Relay): void {
    const passing = this.relays.get(relay)!;
    this.relays.delete(relay);
    const { totals } = this;
    for (const side of SIDES) {
      totals.bytes[side] += relay.bytes[side];
      totals.frames[side] += passing.frames[side];
    }
    totals.faults += passing.faults;
    for (const watch of this.watches) watch.ended(passing, performance.now());
    if (this.relays.size === 0) this.whenIdle();
  }
}
