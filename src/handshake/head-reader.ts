// `RequestReader` and `ResponseReader` read the head of an HTTP/1.1 message from chunks of bytes (RFC 7230 3).
// They serve users who bring their own transport.
import { isToken, trimBlanks } from '../extensions/token.js';
import type { Fields } from './field.js';

/** The longest head, in octets, and the most header fields that are read. */
export const MAX_HEAD_LENGTH: number = 16 * 1024;
export const MAX_FIELDS = 2000;

export interface Head {
  /** `1.0` or `1.1`. */
  readonly httpVersion: string;
  /** Fields by lower-case name, repeated ones joined with `, `; without a prototype. */
  readonly headers: Fields;
  /** Names and values by turns, as they were sent. */
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

/** Why a head is refused: the text, and the status with which a server would say so. */
export interface HeadError {
  readonly status: number;
  readonly message: string;
}

/** What a chunk led to: no end in sight, a head and the octets after it (a view of the chunk), or an error. */
export type HeadProgress<T> =
  | { readonly head?: undefined; readonly rest?: undefined; readonly error?: undefined }
  | { readonly head: T; readonly rest: Uint8Array; readonly error?: undefined }
  | { readonly error: HeadError; readonly head?: undefined; readonly rest?: undefined };

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;

const REQUEST_LINE = /^([^ ]+) ([!-~]+) HTTP\/(\d\.\d)$/;
const STATUS_LINE = /^HTTP\/(\d\.\d) (\d{3})(?: (.*))?$/;

const BAD_CHARACTER: HeadError = { status: 400, message: 'Invalid character in head' };
const BAD_START: HeadError = { status: 400, message: 'Invalid start line' };
const BAD_VERSION: HeadError = { status: 505, message: 'Unsupported HTTP version' };
const BAD_FIELD: HeadError = { status: 400, message: 'Invalid header field' };
const TOO_LONG: HeadError = { status: 431, message: 'Head too long' };
const TOO_MANY: HeadError = { status: 431, message: 'Too many header fields' };

interface DecodedStart<S> {
  readonly version: string;
  readonly start: S;
}

/** Reads one head from chunks of any size, with bounded memory. It interprets nothing: `judgeRequest` and `judgeResponse` do. */
export class HeadReader<S extends RequestStart | ResponseStart> {
  private length = 0;
  private line = '';
  private afterCr = false;
  private start: S | undefined;
  private httpVersion = '';
  private readonly rawHeaders: string[] = [];
  private readonly headers: Record<string, string> = Object.create(null) as Record<string, string>;
  private spent = false;

  constructor(private readonly decodeStart: (line: string) => DecodedStart<S> | undefined) {}

  /**
   * Takes the next chunk. Once it answered with a head or an error, the reader is spent.
   * @throws TypeError when the reader is spent
   */
  push(chunk: Uint8Array): HeadProgress<Head & S> {
    if (this.spent) throw new TypeError('This head has already been read');
    const progress = this.read(chunk);
    this.spent = progress.head !== undefined || progress.error !== undefined;
    return progress;
  }

  private read(chunk: Uint8Array): HeadProgress<Head & S> {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (++this.length > MAX_HEAD_LENGTH) return { error: TOO_LONG };
      const octet = chunk[at];
      if (this.afterCr) {
        // RFC 7230 3.5, 9.5: a bare CR or LF ends no line, so that no other reader can see other lines than this one
        if (octet !== LF) return { error: BAD_CHARACTER };
        this.afterCr = false;
        from = at + 1;
        if (this.line === '' && this.start !== undefined) {
          return { head: this.head(this.start), rest: chunk.subarray(from) };
        }
        const error = this.takeLine();
        if (error !== undefined) return { error };
      } else if (octet === CR) {
        this.line += latin1(chunk, from, at);
        this.afterCr = true;
      } else if ((octet < SPACE && octet !== TAB) || octet === DELETE) {
        return { error: BAD_CHARACTER };
      }
    }
    if (!this.afterCr) this.line += latin1(chunk, from, chunk.length);
    return {};
  }

  private takeLine(): HeadError | undefined {
    const line = this.line;
    this.line = '';
    return this.start === undefined ? this.takeStart(line) : this.takeField(line);
  }

  private takeStart(line: string): HeadError | undefined {
    const decoded = this.decodeStart(line);
    if (decoded === undefined) return BAD_START;
    if (decoded.version !== '1.1' && decoded.version !== '1.0') return BAD_VERSION;
    this.httpVersion = decoded.version;
    this.start = decoded.start;
    return undefined;
  }

  private takeField(line: string): HeadError | undefined {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    // RFC 7230 3.2.4: no blank before the colon, and no folded line, which would begin with a blank
    if (!isToken(name)) return BAD_FIELD;
    if (this.rawHeaders.length === 2 * MAX_FIELDS) return TOO_MANY;
    const value = trimBlanks(line.slice(colon + 1));
    this.rawHeaders.push(name, value);
    const key = name.toLowerCase();
    const before = this.headers[key];
    this.headers[key] = before === undefined ? value : `${before}, ${value}`;
    return undefined;
  }

  private head(start: S): Head & S {
    const { httpVersion, headers, rawHeaders } = this;
    return { ...start, httpVersion, headers, rawHeaders };
  }
}

function latin1(chunk: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...chunk.subarray(from, to));
}

/** Reads the head of a request, on the server's side. */
export class RequestReader extends HeadReader<RequestStart> {
  constructor() {
    super((line) => {
      const [, method, url, version] = REQUEST_LINE.exec(line) ?? [];
      return method !== undefined && isToken(method) ? { version, start: { method, url } } : undefined;
    });
  }
}

/** Reads the head of a response, on the client's side. */
export class ResponseReader extends HeadReader<ResponseStart> {
  constructor() {
    super((line) => {
      const [, version, status, statusMessage = ''] = STATUS_LINE.exec(line) ?? [];
      return status === undefined ? undefined : { version, start: { statusCode: Number(status), statusMessage } };
    });
  }
}
