// `Broadcaster` frames a message once and sends the frame by many connections.
import { MOST_TO_MANY } from '../spec/limits.js';
import { channels } from './channels.js';
import type { Sendable } from './data.js';
import { catchUp, putOffSends } from './flush-time.js';
import { FramedMessage } from './framed-message.js';
import { FramedRun } from './framed-run.js';
import { surface, type SendCallback } from './send-callback.js';
import { ReadyState } from './types.js';
import { broadcastFrames, broadcastRun, joinsRunsUncounted, type WebSocket } from './websocket.js';

export interface BroadcastOptions {
  /** Which connections get the message; by default all that are open. */
  readonly filter?: ((websocket: WebSocket) => boolean) | undefined;
  /** Whether the message is binary; by default, it is unless `data` is a string. */
  readonly binary?: boolean | undefined;
  /** Whether to compress for connections that agreed on it, once for each group that can share the frame; false by default. */
  readonly compress?: boolean | undefined;
}

/**
 * Sends a framed message to one of many connections, or has a `send` of the application's send it. A connection amid a
 * message in fragments sends it behind that (RFC 6455 5.4).
 */
export function sendFramed(client: WebSocket, message: FramedMessage, callback?: SendCallback): void {
  const { data, isBinary, compress } = message;
  if (!broadcastFrames(client, message, callback)) client.send(data, { binary: isBinary, compress }, callback);
}

/**
 * Sends messages to every open connection of a server, and waits for none of them: a slow connection with a
 * `maxBackpressure` is ended, and the others are not held up. Messages of one tick are framed at once, and reach each
 * connection in one piece when the tick ends, or before anything else is sent.
 */
export class Broadcaster {
  private run: FramedMessage[] = [];
  /** The length of the run in bytes. */
  private length = 0;
  /** The connections that the run goes to, and the set that they are of; undefined where no message can join. */
  private readonly receivers: WebSocket[] = [];
  private clients: ReadonlySet<WebSocket> | undefined;
  private readonly endRun = (): void => this.sendRun();

  send(
    clients: ReadonlySet<WebSocket> | undefined,
    data: Exclude<Sendable, Blob>,
    { filter, binary, compress = false }: BroadcastOptions,
  ): void {
    const isBinary = binary ?? (typeof data !== 'string' && typeof data !== 'number');
    const message = new FramedMessage(data, isBinary, compress);
    if (clients === undefined) return;
    const isToAll = filter === undefined;
    const joins = isToAll && this.clients === clients && this.receivers.length === clients.size;
    if (joins && this.length + message.length <= MOST_TO_MANY) {
      this.add(message);
      return;
    }
    catchUp();
    if (isToAll && this.begin(clients)) {
      this.add(message);
      putOffSends(this.endRun);
      return;
    }
    for (const client of clients) {
      if (client.readyState !== ReadyState.Open || (filter !== undefined && !filter(client))) continue;
      // A filter may have sent something.
      catchUp();
      sendFramed(client, message);
    }
  }

  private add(message: FramedMessage): void {
    this.run.push(message);
    this.length += message.length;
  }

  /** Begins a run to all clients; false where the application looks at what one of them sends, and has to see it at once. */
  private begin(clients: ReadonlySet<WebSocket>): boolean {
    if (channels.messageSent.hasSubscribers) return false;
    const { receivers } = this;
    receivers.length = 0;
    for (const client of clients) {
      if (client.readyState === ReadyState.Open && !joinsRunsUncounted(client)) {
        receivers.length = 0;
        return false;
      }
      receivers.push(client);
    }
    this.clients = clients;
    return true;
  }

  private sendRun(): void {
    const run = new FramedRun(this.run);
    const receivers = this.receivers.splice(0);
    this.run = [];
    this.length = 0;
    this.clients = undefined;
    for (const client of receivers) {
      try {
        if (client.readyState !== ReadyState.Open || (run.length > 0 && broadcastRun(client, run))) continue;
        for (const message of run.messages) sendFramed(client, message!);
      } catch (thrown) {
        // A listener of one connection: the others get the messages all the same.
        surface(thrown);
      }
    }
  }
}
