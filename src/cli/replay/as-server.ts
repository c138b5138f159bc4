// `PlayingServer` accepts clients, and plays to each the server of a recorded connection.
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { acceptanceLines, joinHead, judgeRequest, RequestReader, writeRefusal } from '../../sans-io.js';
import { CommandError, wordsOf } from '../command-error.js';
import { listenOn, type Place } from '../target.js';
import { fieldIn, type RecordedConnection } from '../traffic/recorded.js';
import { compressionsIn } from '../traffic/tap.js';
import { Pace } from './pace.js';
import { Player, type Manner, type Played } from './player.js';
import { EXTENSIONS, needsCompression, sayTheSame, scriptOf } from './script.js';

export interface ServerManner extends Manner {
  readonly speed: number;
}

export class PlayingServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly plays = new Set<Promise<void>>();
  private served = 0;

  /**
   * @param connections clients get these by turns, in the order in which they connect
   * @param played receives the number of each recorded connection that was played, and the result
   * @throws CommandError for a certificate that cannot be used
   */
  constructor(
    private readonly connections: readonly RecordedConnection[],
    private readonly manner: ServerManner,
    private readonly signal: AbortSignal,
    tls: { cert: Buffer; key: Buffer } | undefined,
    private readonly played: (number: number, played: Played, pace: Pace) => void,
  ) {
    const take = (socket: Socket): void => this.take(socket);
    try {
      this.server = tls === undefined ? createServer(take) : createTlsServer(tls, take);
    } catch (error) {
      throw new CommandError(`The certificate or its key cannot be used: ${wordsOf(error)}.`);
    }
    // A failed TLS handshake ends only that client's connection.
    this.server.on('tlsClientError', () => undefined);
  }

  /**
   * Begins to listen.
   * @returns the port
   * @throws CommandError
   */
  listen(place: Place): Promise<number> {
    return listenOn(this.server, place, '--listen');
  }

  /** Stops listening, and ends all connections, whose results have then been received. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await Promise.all([closed, ...this.plays]);
  }

  private take(socket: Socket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    const reader = new RequestReader();
    const read = (chunk: Buffer): void => {
      const { head, rest, error } = reader.push(chunk);
      if (error !== undefined) return void socket.end(writeRefusal(error.status, error.message));
      if (head === undefined || rest === undefined) return;
      socket.off('data', read);
      const request = judgeRequest(head);
      if (!request.accepted) return void socket.end(writeRefusal(request.status, request.message, request.headers));
      const connection = this.connections[this.served++ % this.connections.length];
      const { heads, number } = connection;
      const agreed = fieldIn(heads.response, EXTENSIONS);
      // Compressed frames can be sent unchanged if the client offers the extensions that the recorded client offered.
      const offersTheSame =
        agreed === undefined ||
        sayTheSame(head.headers[EXTENSIONS] as string | undefined, fieldIn(heads.request, EXTENSIONS));
      const isExact = offersTheSame || !needsCompression(connection, 'server');
      const recorded = fieldIn(heads.response, 'sec-websocket-protocol');
      const protocol = recorded !== undefined && request.protocols.has(recorded) ? recorded : undefined;
      const extensions = offersTheSame ? agreed : undefined;
      socket.write(joinHead(acceptanceLines({ key: request.key, protocol: protocol ?? '', extensions })));
      const pace = new Pace(this.manner.speed);
      const script = scriptOf(connection, 'server', isExact);
      const player = new Player(socket, script, this.manner, pace, compressionsIn(extensions), this.signal);
      if (rest.length > 0) player.push(rest);
      const play = player.play().then((played) => {
        this.plays.delete(play);
        this.played(number, played, pace);
      });
      this.plays.add(play);
    };
    socket.on('data', read);
  }
}
