// `RequestReader` and `ResponseReader` read the head of an HTTP/1.1 message from chunks of bytes (RFC 7230 3).
// They are for users with a transport of their own.
import { isToken } from '../extensions/token.js';
import type { Fields } from './field.js';
import { MAX_HEAD_LENGTH } from '../spec/limits.js';
import { toChunk } from '../values/bytes.js';
import { HeadScanner, RANGE, type HeadError } from './head-scanner.js';

export type { HeadError } from './head-scanner.js';

export interface Head {
  /** `1.0` or `1.1`. */
  readonly httpVersion: string;
  /** Fields by lower-case name, repeated ones joined with `, `; without a prototype. */
  readonly headers: Fields;
  /** Names and values alternately, as they were sent. */
  readonly rawHeaders: readonly string[];
}

export interface RequestStart {
  readonly method: string;
  /** The request target, as it was sent. */
  readonly url: string;
}

export interface ResponseStart {
  readonly statusCode: number;
  readonly statusMessage: string;
}

export interface RequestHead extends Head, RequestStart {}
export interface ResponseHead extends Head, ResponseStart {}

/** The result of a chunk: unfinished, a head and the bytes after it (a view of the chunk), or an error. */
export type HeadProgress<T> =
  | { readonly head?: undefined; readonly rest?: undefined; readonly error?: undefined }
  | { readonly head: T; readonly rest: Uint8Array; readonly error?: undefined }
  | { readonly error: HeadError; readonly head?: undefined; readonly rest?: undefined };

const REQUEST_LINE = /^([^ ]+) ([!-~]+) HTTP\/(\d\.\d)$/;
const STATUS_LINE = /^HTTP\/(\d\.\d) (\d{3})(?: (.*))?$/;

const BAD_START: HeadError = { status: 400, message: 'Invalid start line' };
const BAD_VERSION: HeadError = { status: 505, message: 'Unsupported HTTP version' };

/** The least memory, in bytes, for a head that arrives in pieces. */
const FIRST_LENGTH = 512;

/** Names as browsers write them: a newly made lower-case name takes longer to become a property. */
const LOWER_CASE: ReadonlyMap<string, string> = new Map(
  [
    'Host Connection Pragma Cache-Control User-Agent Upgrade Origin Accept-Encoding Accept-Language Cookie Authorization',
    'Sec-WebSocket-Key Sec-WebSocket-Version Sec-WebSocket-Protocol Sec-WebSocket-Extensions Sec-WebSocket-Accept',
  ]
    .flatMap((names) => names.split(' '))
    .map((name) => [name, name.toLowerCase()]),
);

/** A head without its fields. */
type Begun<S> = S & { readonly httpVersion: string; headers: Record<string, string>; rawHeaders: string[] };

/** Reads one head from chunks of any size, in bounded memory. `judgeRequest` and `judgeResponse` interpret it. */
export class HeadReader<S extends RequestStart | ResponseStart> {
  private head: Begun<S> | undefined;
  private readonly scanner: HeadScanner;
  /** The bytes so far, where the head arrives in pieces. */
  private held: Uint8Array | undefined;
  private spent = false;

  /** @param begin makes a head of its start line; returns undefined for a malformed one */
  constructor(private readonly begin: (line: string) => Begun<S> | undefined) {
    this.scanner = new HeadScanner(0, (bytes, from, to) => this.takeStart(latin1(bytes, from, to, 0xff)));
  }

  /**
   * Takes the next chunk. After a head or an error, the reader cannot be used again.
   * @throws TypeError after a head or an error; UsageError, before anything is read, when `chunk` is not bytes
   */
  push(chunk: Uint8Array): HeadProgress<Head & S> {
    if (this.spent) throw new TypeError('This head has already been read');
    const { scanner } = this;
    const data = toChunk(chunk);
    const before = scanner.at;
    const end = before + data.length;
    const bytes = before === 0 ? data : this.hold(data, before);
    const result = scanner.scan(bytes, end);
    if (result === false) {
      if (before === 0) this.hold(data, 0);
      return {};
    }
    this.spent = true;
    this.held = undefined;
    if (result !== true) return { error: result };
    return { head: this.finish(bytes), rest: data.subarray(scanner.at - before) };
  }

  /** Appends a chunk to those before it; of a head that is too long, only the longest allowed part. */
  private hold(chunk: Uint8Array, at: number): Uint8Array {
    const length = Math.min(at + chunk.length, MAX_HEAD_LENGTH);
    let { held } = this;
    if (held === undefined || held.length < length) {
      const grown = new Uint8Array(Math.max(length, FIRST_LENGTH, Math.min(2 * at, MAX_HEAD_LENGTH)));
      if (held !== undefined) grown.set(held);
      this.held = held = grown;
    }
    held.set(chunk.subarray(0, length - at), at);
    return held;
  }

  private takeStart(line: string): HeadError | undefined {
    const head = this.begin(line);
    if (head === undefined) return BAD_START;
    if (head.httpVersion !== '1.1' && head.httpVersion !== '1.0') return BAD_VERSION;
    this.head = head;
    return undefined;
  }

  private finish(bytes: Uint8Array): Head & S {
    const head = this.head!;
    const { headers, rawHeaders } = head;
    const { at: end, bits, ranges } = this.scanner;
    const text = latin1(bytes, 0, end, bits);
    for (let at = 0; at < ranges.length; at += RANGE) {
      const name = text.slice(ranges[at], ranges[at + 1]);
      const value = text.slice(ranges[at + 2], ranges[at + 3]);
      rawHeaders.push(name, value);
      const key = LOWER_CASE.get(name) ?? name.toLowerCase();
      const before = headers[key];
      headers[key] = before === undefined ? value : `${before}, ${value}`;
    }
    return head;
  }
}

function noFields(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

/** Created when first needed: a realm may lack it. */
let ascii: TextDecoder | undefined;

/** @param bits the bytes combined by OR, or more than that */
function latin1(bytes: Uint8Array, from: number, to: number, bits: number): string {
  const part = bytes.subarray(from, to);
  if (bits < 0x80 && typeof TextDecoder !== 'undefined') return (ascii ??= new TextDecoder()).decode(part);
  return String.fromCharCode.apply(undefined, part as unknown as number[]);
}

/** Reads the head of a request, on the server's side. */
export class RequestReader extends HeadReader<RequestStart> {
  constructor() {
    super((line) => {
      const [, method, url, httpVersion] = REQUEST_LINE.exec(line) ?? [];
      if (method === undefined || !isToken(method)) return undefined;
      return { method, url, httpVersion, headers: noFields(), rawHeaders: [] };
    });
  }
}

/** Reads the head of a response, on the client's side. */
export class ResponseReader extends HeadReader<ResponseStart> {
  constructor() {
    super((line) => {
      const [, httpVersion, status, statusMessage = ''] = STATUS_LINE.exec(line) ?? [];
      if (status === undefined) return undefined;
      return { statusCode: Number(status), statusMessage, httpVersion, headers: noFields(), rawHeaders: [] };
    });
  }
}
