// `shareSession` finds or opens the HTTP/2 session of an origin that all clients of the thread share.
import http2, { type ClientHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import { startTimer, stopTimer } from '../turn.js';
import { unrefed } from '../unrefed.js';
import { SESSION_WINDOW, STREAM_WINDOW } from './windows.js';

/**
 * How long a session without streams stays open, in milliseconds: as long as a server of node:http keeps an idle connection.
 * Meanwhile it keeps no process alive.
 */
const IDLE_TIME = 5000;
/** The megabytes that may wait on a session: with more than Node's 10 waiting, it refuses new streams. */
const SESSION_MEMORY = 1000;

/** Whether a session takes new streams; a destroyed one stays in its list until its socket has closed, too. */
export function isOpen(session: ClientHttp2Session): boolean {
  return !session.closed && !session.destroyed;
}

/** Tells whether the peer answers: with its settings, its first frame (RFC 9113 3.4), or, once connected, a ping. */
export function awaitAnswer(session: ClientHttp2Session, told: (answers: boolean) => void): void {
  // Node cancels a ping before the session has connected.
  if (session.connecting) session.once('remoteSettings', () => told(true));
  else session.ping((error) => told(error === null));
}

/** The session of one origin and one set of TLS options, and how many streams use it. */
class Shared {
  private users = 0;
  /** How many streams have been asked for and not left. */
  private streams = 0;
  private idle: NodeJS.Timeout | undefined;
  /** A stream was cut off, and the peer has not answered since: it may be gone, which TCP tells late. */
  private isDoubted = false;

  constructor(
    readonly session: ClientHttp2Session,
    readonly identity: readonly unknown[],
    private readonly forget: () => void,
  ) {
    session.once('goaway', forget);
    session.once('close', () => {
      stopTimer(this.idle);
      forget();
    });
    // The streams that a failure ends report it, and so do the waiting requests.
    session.on('error', forget);
  }

  /** Whether a request has to go to another session. A session without streams takes one, whatever the peer's limit is. */
  get isFull(): boolean {
    const { session, streams, isDoubted } = this;
    return (
      !isOpen(session) ||
      isDoubted ||
      (streams > 0 && streams >= (session.remoteSettings.maxConcurrentStreams ?? Infinity))
    );
  }

  use(): void {
    stopTimer(this.idle);
    if (this.users++ === 0) this.session.ref();
  }

  take(): boolean {
    if (this.isFull) return false;
    this.streams++;
    return true;
  }

  leave(hasTaken: boolean, wasCut: boolean): void {
    if (hasTaken) this.streams--;
    if (wasCut && !this.isDoubted && isOpen(this.session)) {
      this.isDoubted = true;
      awaitAnswer(this.session, (answers) => (this.isDoubted = !answers));
    }
    if (--this.users > 0 || this.session.destroyed) return;
    this.session.unref();
    this.idle = unrefed(
      startTimer(() => {
        this.forget();
        // close() would wait for the peer to end its half.
        if (this.isDoubted) this.session.destroy();
        else this.session.close();
      }, IDLE_TIME),
    );
  }
}

const sharedSessions = new Map<string, Shared[]>();

/** A session in use, until `leave`. */
export interface SessionUse {
  readonly session: ClientHttp2Session;
  /** Whether others share the session, and a request that it cannot take may go to another one. */
  readonly isShared: boolean;
  /** Counts a stream, to be asked for now, until `leave`; false where the session takes none. */
  take(): boolean;
  /** @param wasCut the stream did not end both ways */
  leave(wasCut?: boolean): void;
}

/**
 * Uses a session of an origin, or opens one where there is none with room.
 * @param origin scheme, host and port
 * @param identity the options of trust and connection; clients share a session where all are the same
 * @param connect makes the connection of a new session
 */
export function shareSession(origin: string, identity: readonly unknown[], connect: () => Duplex): SessionUse {
  const all = sharedSessions.get(origin) ?? [];
  let shared = all.find((each) => !each.isFull && each.identity.every((value, at) => value === identity[at]));
  if (shared === undefined) {
    const session = http2.connect(origin, {
      createConnection: connect,
      maxSessionMemory: SESSION_MEMORY,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
    });
    session.once('connect', () => session.setLocalWindowSize(SESSION_WINDOW));
    const opened: Shared = new Shared(session, identity, () => {
      const left = (sharedSessions.get(origin) ?? []).filter((each) => each !== opened);
      if (left.length > 0) sharedSessions.set(origin, left);
      else sharedSessions.delete(origin);
    });
    sharedSessions.set(origin, [...all, opened]);
    shared = opened;
  }
  const { session } = shared;
  shared.use();
  let [hasTaken, isLeft] = [false, false];
  const take = (): boolean => (hasTaken = shared.take());
  const leave = (wasCut = false): void => {
    if (isLeft) return;
    isLeft = true;
    shared.leave(hasTaken, wasCut);
  };
  return { session, isShared: true, take, leave };
}
