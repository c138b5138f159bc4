// `Tap` reads the traffic of one connection from both sides: the opening handshake, then frames and messages.
import {
  judgeDeflateResponse,
  parseExtensions,
  RequestReader,
  ResponseReader,
  type RequestHead,
  type ResponseHead,
} from '../../sans-io.js';
import type { Heads, Side } from './frame.js';
import { Frames, type TellFrame } from './frames.js';
import type { Compression } from './messages.js';

const SWITCHING_PROTOCOLS = 101;
/** The most bytes of a client that are kept until the response; with more, the tap stops reading. */
export const MOST_EARLY: number = 1024 * 1024;

/** Receives the traffic of one connection. */
export interface Watcher {
  /** Called when the opening handshake has succeeded. */
  opened(heads: Heads, time: number): void;
  /**
   * Called when the server has refused the handshake, or the tap cannot read it: the tap ignores all further bytes.
   * `why` is a sentence without its full stop.
   */
  notRead(why: string, isRefused: boolean): void;
  frame: TellFrame;
}

/** The compression of each side. */
export type Compressions = Readonly<Record<Side, Compression>> | undefined;

export class Tap {
  private readonly request = new RequestReader();
  private response = new ResponseReader();
  private requestHead: RequestHead | undefined;
  /** The bytes of the client between the request and the response. */
  private early: Uint8Array[] = [];
  private earlyLength = 0;
  private frames: Readonly<Record<Side, Frames>> | undefined;
  private isBlind = false;

  constructor(private readonly watcher: Watcher) {}

  /** Takes bytes, which must not change afterwards; `time` is the time of their arrival in ms. */
  push(from: Side, chunk: Uint8Array, time: number): void {
    if (this.isBlind) return;
    if (this.frames !== undefined) this.frames[from].push(chunk, time);
    else if (from === 'client') this.readRequest(chunk);
    else this.readResponse(chunk, time);
  }

  /** Takes the end of one side's bytes. */
  end(from: Side, time: number): void {
    this.frames?.[from].end(time);
  }

  private readRequest(chunk: Uint8Array): void {
    if (this.requestHead !== undefined) return this.keepEarly(chunk);
    const { head, rest, error } = this.request.push(chunk);
    if (error !== undefined) return this.leave(`The client asks for no WebSocket: ${error.message}`);
    if (head === undefined) return;
    this.requestHead = head;
    if (rest.length > 0) this.keepEarly(rest);
  }

  private keepEarly(chunk: Uint8Array): void {
    this.early.push(new Uint8Array(chunk));
    this.earlyLength += chunk.length;
    if (this.earlyLength > MOST_EARLY) this.leave('The client does not wait for the response');
  }

  private readResponse(chunk: Uint8Array, time: number): void {
    const { requestHead } = this;
    if (requestHead === undefined) return this.leave('The server answers before it is asked');
    const { head, rest, error } = this.response.push(chunk);
    if (error !== undefined) return this.leave(`The server answers with no HTTP: ${error.message}`);
    if (head === undefined) return;
    const { statusCode } = head;
    if (statusCode !== SWITCHING_PROTOCOLS) {
      if (statusCode >= 200) return this.leave(refusalOf(requestHead, head), true);
      // RFC 9110 15.2: other 1xx responses come before the final one.
      this.response = new ResponseReader();
      return rest.length > 0 ? this.readResponse(rest, time) : undefined;
    }
    const compressions = compressionsIn(head.headers['sec-websocket-extensions']);
    const tell: TellFrame = (frame, message) => this.watcher.frame(frame, message);
    const frames = {
      client: new Frames('client', compressions?.client, tell),
      server: new Frames('server', compressions?.server, tell),
    };
    this.frames = frames;
    this.watcher.opened({ request: requestText(requestHead), response: responseText(head) }, time);
    for (const bytes of this.early) frames.client.push(bytes, time);
    this.early = [];
    if (rest.length > 0) frames.server.push(rest, time);
  }

  private leave(why: string, isRefused: boolean = false): void {
    this.isBlind = true;
    this.early = [];
    this.watcher.notRead(why, isRefused);
  }
}

function refusalOf({ method, url }: RequestHead, { statusCode, statusMessage }: ResponseHead): string {
  return `${method} ${url} is answered with ${statusCode} ${statusMessage}`.trimEnd();
}

/** Returns the compression that a response accepts in its field Sec-WebSocket-Extensions. */
export function compressionsIn(field: unknown): Compressions {
  if (typeof field !== 'string') return undefined;
  const extension = parseExtensions(field).value?.find(({ name }) => name === 'permessage-deflate');
  if (extension === undefined) return undefined;
  const agreement = judgeDeflateResponse(extension.params, {}).value;
  return {
    client: { forgets: agreement?.clientNoContextTakeover ?? false },
    server: { forgets: agreement?.serverNoContextTakeover ?? false },
  };
}

function requestText({ method, url, httpVersion, rawHeaders }: RequestHead): string {
  return headText(`${method} ${url} HTTP/${httpVersion}`, rawHeaders);
}

function responseText({ httpVersion, statusCode, statusMessage, rawHeaders }: ResponseHead): string {
  return headText(`HTTP/${httpVersion} ${statusCode} ${statusMessage}`.trimEnd(), rawHeaders);
}

function headText(start: string, rawHeaders: readonly string[]): string {
  const lines = [start];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
