// `holdingsOf` returns the facts about a WebSocketServer that have no name in `ws`.
import type { EventEmitter } from 'node:events';
import type { AllowedOrigins } from '../../handshake/origin.js';
import { behind } from '../behind.js';
import { Broadcaster } from '../broadcast.js';
import { catchUp } from '../flush-time.js';
import type { SessionOwner } from '../session.js';
import type { WebSocket } from '../websocket.js';

/** The values of `_state`, as in `ws`. */
export enum ServerState {
  Running = 0,
  Closing = 1,
  Closed = 2,
}

/** The part of a WebSocketServer that its holdings use. */
export interface Holder extends EventEmitter {
  readonly clients: Set<WebSocket> | undefined;
  _shouldEmitClose: boolean | undefined;
  _state: number;
}

/** Kept apart from the server, so that a user's flags and subclasses cannot collide with it. */
class Holdings implements SessionOwner {
  origins: AllowedOrigins | undefined;
  openConnections = 0;
  readonly broadcaster: Broadcaster = new Broadcaster();
  /** While the server drains: the seconds after which clients may return, and the end of that time. */
  retryAfter: number | undefined;
  drained: Promise<{ readonly closed: number; readonly cut: number }> | undefined;
  /** Called with each connection that ends while the server drains. */
  ended: ((websocket: WebSocket) => void) | undefined;

  /** @param server also an object that inherits from the server, once that has been closed by way of it */
  constructor(public server: Holder) {}

  /** One more connection is open; what was sent to all before is not for it. */
  opened(): void {
    catchUp();
    this.openConnections++;
  }

  connectionError(error: Error, websocket: WebSocket): void {
    this.server.emit('connectionError', error, websocket);
  }

  closed(websocket: WebSocket): void {
    const { server } = this;
    this.openConnections--;
    this.ended?.(websocket);
    if (server.clients === undefined) return;
    server.clients.delete(websocket);
    if (server._shouldEmitClose === true && server.clients.size === 0) {
      server._shouldEmitClose = false;
      process.nextTick(emitClose, server);
    }
  }
}

const holdings = new WeakMap<Holder, Holdings>();

export function holdingsOf(face: Holder): Holdings {
  let held = holdings.get(face);
  if (held !== undefined) return held;
  const server = behind(face, 'options') ?? face;
  held = holdings.get(server);
  if (held === undefined) holdings.set(server, (held = new Holdings(server)));
  return held;
}

export function emitClose(server: Holder): void {
  server._state = ServerState.Closed;
  server.emit('close');
}
