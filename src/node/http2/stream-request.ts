// `StreamRequest` requests a WebSocket on a stream of an HTTP/2 session, once the peer has announced the protocol (RFC 8441 5).
import { EventEmitter } from 'node:events';
import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { awaitAnswer, isOpen, type SessionUse } from './sessions.js';

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_REFUSED_STREAM } = http2.constants;

/** The outcomes of a request: one of these is called, once, unless it is destroyed first. */
export interface StreamOutcome {
  /** The peer speaks no HTTP/2, or has not announced the protocol: the request may be made over HTTP/1.1. */
  refused(): void;
  /**
   * Takes the stream, or returns true to leave it with the request: `destroy` then still ends it, and `failed` may follow.
   */
  responded(status: number, headers: IncomingHttpHeaders, stream: ClientHttp2Stream): boolean;
  failed(error: Error): void;
}

/** Whether the peer of a session accepts requests for a WebSocket, determined once a session. */
const announcements = new WeakMap<ClientHttp2Session, Promise<boolean>>();

function announces(session: ClientHttp2Session): Promise<boolean> {
  let answer = announcements.get(session);
  if (answer === undefined) announcements.set(session, (answer = askOnce(session)));
  return answer;
}

function askOnce(session: ClientHttp2Session): Promise<boolean> {
  return new Promise((resolve) => {
    const does = (): boolean => session.remoteSettings.enableConnectProtocol === true;
    // A session that is closed says so when it is asked.
    if (!isOpen(session) || does()) return resolve(true);
    const lost = (): void => resolve(false);
    session.once('close', lost);
    session.once('error', lost);
    // The peer's settings have arrived when it answers.
    awaitAnswer(session, (answers) => resolve(answers && does()));
  });
}

/** Takes the place of the ClientRequest of HTTP/1.1; emits 'close' when it is over. */
export class StreamRequest extends EventEmitter {
  private use: SessionUse;
  private stream: ClientHttp2Stream | undefined;
  private isOver = false;
  private hasRetried = false;
  /** The response is being judged: a peer that has just sent it is not silent, though the stream is cut off. */
  private isAnswering = false;

  constructor(
    private readonly open: () => SessionUse,
    readonly headers: OutgoingHttpHeaders,
    private readonly outcome: StreamOutcome,
  ) {
    super();
    this.use = open();
    this.begin();
  }

  private begin(): void {
    const { use } = this;
    void announces(use.session).then((does) => {
      if (this.isOver) return;
      if (!does) this.lose();
      else if (use.take()) this.ask(use.session);
      else if (!isOpen(use.session) && !this.takeRetry()) this.lose();
      else this.again();
    });
  }

  /** RFC 9113 8.7: a request that the peer refused, or left behind, may be made again; once, where sessions are shared. */
  private takeRetry(): boolean {
    const mayRetry = this.use.isShared && !this.hasRetried;
    this.hasRetried = true;
    return mayRetry;
  }

  /** Makes the request on another session. */
  private again(): void {
    this.use.leave();
    this.stream = undefined;
    try {
      this.use = this.open();
      this.begin();
    } catch (error) {
      // The constructor, which would throw this, is over.
      this.settle(() => this.outcome.failed(error as Error));
    }
  }

  /** Gives up the request, and a stream that the outcome has left with it. */
  destroy(): void {
    const { stream } = this;
    if (!this.settle(() => {})) return;
    stream?.destroy();
    this.use.leave(!this.isAnswering);
  }

  private lose(): void {
    if (this.settle(() => this.outcome.refused())) this.use.leave();
  }

  private ask(session: ClientHttp2Session): void {
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(this.headers, { endStream: false });
    } catch (error) {
      if (this.settle(() => this.outcome.failed(error as Error))) this.use.leave();
      return;
    }
    this.stream = stream;
    const { use } = this;
    stream.once('close', () => use.leave(stream.rstCode === NGHTTP2_CANCEL));
    let isAnswered = false;
    let isLeft = false;
    const onError = (error: Error): void => {
      const { rstCode } = stream;
      // Servers of Node 22 have had enough while a stream that has ended still counts.
      const isRefused = rstCode === NGHTTP2_REFUSED_STREAM || rstCode === NGHTTP2_ENHANCE_YOUR_CALM;
      if (isRefused && !isAnswered && !this.isOver && this.takeRetry()) this.again();
      else if (stream === this.stream) this.settle(() => this.outcome.failed(error));
    };
    const onClose = (): void => {
      if (isLeft) this.settle(() => {});
      else onError(new Error('The stream was closed before the handshake was done'));
    };
    stream.on('error', onError);
    stream.once('close', onClose);
    stream.once('response', (headers: IncomingHttpHeaders & { ':status'?: number }) => {
      isAnswered = this.isAnswering = true;
      // Where a listener of the application throws, the request fails with the stream's end.
      try {
        isLeft = this.outcome.responded(headers[':status'] ?? 0, headers, stream);
        if (isLeft) return;
      } finally {
        this.isAnswering = false;
        if (stream.destroyed) use.leave();
      }
      this.settle(() => {});
      stream.removeListener('error', onError);
      stream.removeListener('close', onClose);
    });
  }

  /** Reports the outcome of the request, if that has not happened; false if it had. */
  private settle(tell: () => void): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    try {
      tell();
    } finally {
      this.emit('close');
    }
    return true;
  }
}
