// `SessionRecord` records the connection of `wsimd connect`. Each message is one frame: the library reports no others.
import type { IncomingMessage } from 'node:http';
import { encodeClosePayload, Opcode } from '../../sans-io.js';
import type { Side } from '../traffic/frame.js';
import { shortestHeader } from '../traffic/recorded.js';
import { Recorder } from '../traffic/recorder.js';

/** The members of a request object that are read: `headers` over HTTP/2, the others over HTTP/1.1. */
interface Request {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly path?: string;
  getRawHeaderNames?(): string[];
  getHeader?(name: string): unknown;
}

/** RFC 6455 7.4.1: codes that stand for the lack of a code, and of a Close frame. */
const [NO_STATUS, ABNORMAL] = [1005, 1006];

export class SessionRecord {
  private readonly recorder: Recorder;
  private connection = { number: 1, url: '', startedAt: 0, openedAt: 0 };

  /** @throws CommandError where the file cannot be written */
  constructor(file: string, tell: (sentence: string) => void) {
    this.recorder = new Recorder(file, tell);
  }

  /** Records the opening handshake. */
  opened(url: string, request: Request, response: IncomingMessage): void {
    this.connection = { number: 1, url, startedAt: Date.now(), openedAt: performance.now() };
    const { pathname, search } = new URL(url);
    const { headers = {} } = request;
    const names = request.getRawHeaderNames?.() ?? Object.keys(headers);
    const fields = names
      .map((name) => `${name}: ${[request.getHeader?.(name) ?? headers[name]].flat().join(', ')}`)
      .map((field) => field.replace(/^:authority/, 'host'))
      .filter((field) => !field.startsWith(':'));
    const answered = Object.entries(response.headers)
      // Messages are recorded inflated, so the response has no extensions.
      .filter(([name]) => !name.startsWith(':') && name !== 'sec-websocket-extensions')
      .map(([name, value]) => `${name}: ${[value].flat().join(', ')}`);
    this.recorder.opened(this.connection, {
      request: headOf(`GET ${request.path ?? pathname + search} HTTP/1.1`, fields),
      response: headOf('HTTP/1.1 101 Switching Protocols', answered),
    });
  }

  message(from: Side, data: Uint8Array | string, isBinary: boolean): void {
    this.frame(from, isBinary ? Opcode.Binary : Opcode.Text, Buffer.from(data));
  }

  ping(from: Side, data: Uint8Array | string): void {
    this.frame(from, Opcode.Ping, Buffer.from(data));
  }

  pong(from: Side, data: Uint8Array | string): void {
    this.frame(from, Opcode.Pong, Buffer.from(data));
  }

  close(from: Side, code: number, reason: Uint8Array | string): void {
    if (code === ABNORMAL) return;
    this.frame(from, Opcode.Close, encodeClosePayload(code === NO_STATUS ? undefined : code, reason));
  }

  /**
   * Records the end of the connection, and closes the file.
   * @throws CommandError if the file could not be written
   */
  end(): void {
    this.recorder.ended(this.connection, performance.now());
    this.recorder.close();
  }

  private frame(from: Side, opcode: Opcode, payload: Uint8Array): void {
    const isMasked = from === 'client';
    const { length } = payload;
    this.recorder.frame(this.connection, {
      from,
      time: performance.now(),
      opcode,
      fin: true,
      rsv: 0,
      isMasked,
      maskingKey: 0,
      headerLength: shortestHeader(length, isMasked),
      length,
      payload,
      came: length,
      fault: undefined,
    });
  }
}

function headOf(start: string, fields: readonly string[]): string {
  return `${[start, ...fields].join('\r\n')}\r\n\r\n`;
}
