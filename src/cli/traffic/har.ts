// `toHar` and `fromHar` convert recordings to and from the HAR of Chrome's developer tools.
import { Buffer } from 'node:buffer';
import { Opcode } from '../../sans-io.js';
import type { Heads } from './frame.js';
import { fieldsOf, recordedMessages, type RecordedConnection, type RecordedFrame } from './recorded.js';

/** A field of a head. */
interface Pair {
  readonly name: string;
  readonly value: string;
}

/** A message as Chrome writes it: `time` is in seconds since 1970, and `data` base64 where it is binary. */
interface HarMessage {
  readonly type: 'send' | 'receive';
  readonly time: number;
  readonly opcode: number;
  readonly data: string;
}

/** The seconds since 1970 until dates end. */
const MOST_SECONDS = 8.64e12;

/** Returns connections as HAR 1.2, each as an entry with Chrome's `_webSocketMessages`. */
export function toHar(connections: readonly RecordedConnection[], version: string): string {
  const log = { version: '1.2', creator: { name: 'wsimd', version }, pages: [], entries: connections.map(entryOf) };
  return `${JSON.stringify({ log }, undefined, 2)}\n`;
}

function entryOf(connection: RecordedConnection): object {
  const { url, started, heads, frames, end = frames.at(-1)?.time ?? 0 } = connection;
  const [status = '101', ...reason] = startOf(heads.response).split(' ').slice(1);
  const size = { cookies: [], bodySize: 0 };
  return {
    _resourceType: 'websocket',
    _webSocketMessages: recordedMessages(connection).map(({ from, time, isBinary, data }): HarMessage => ({
      type: from === 'client' ? 'send' : 'receive',
      time: (started + time) / 1000,
      opcode: isBinary ? Opcode.Binary : Opcode.Text,
      data: Buffer.from(data).toString(isBinary ? 'base64' : 'utf8'),
    })),
    startedDateTime: new Date(started).toISOString(),
    time: end,
    request: {
      method: 'GET',
      url,
      httpVersion: 'HTTP/1.1',
      headers: pairsOf(heads.request),
      queryString: [...(URL.canParse(url) ? new URL(url).searchParams : [])].map(([name, value]) => ({ name, value })),
      headersSize: heads.request.length,
      ...size,
    },
    response: {
      status: Number(status),
      statusText: reason.join(' '),
      httpVersion: 'HTTP/1.1',
      headers: pairsOf(heads.response),
      content: { size: 0, mimeType: 'x-unknown' },
      redirectURL: '',
      headersSize: heads.response.length,
      ...size,
    },
    cache: {},
    timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait: 0, receive: end },
  };
}

function startOf(head: string): string {
  return head.slice(0, head.indexOf('\r\n'));
}

function pairsOf(head: string): Pair[] {
  return fieldsOf(head).map(([name, value]) => ({ name, value }));
}

/** The parts of a HAR that `fromHar` reads. */
interface Har {
  readonly log: { readonly entries: readonly HarEntry[] };
}

interface HarEntry {
  readonly startedDateTime?: string;
  readonly request: { readonly url: string; readonly headers?: readonly Pair[] };
  readonly response?: { readonly status?: number; readonly statusText?: string; readonly headers?: readonly Pair[] };
  readonly _webSocketMessages?: readonly HarMessage[];
}

/** Whether a value looks like a HAR. */
export function isHar(value: unknown): value is Har {
  const { log } = (value ?? {}) as { log?: { entries?: unknown } };
  return Array.isArray(log?.entries);
}

/** Whether a file's name is that of a HAR. */
export function isHarName(file: string): boolean {
  return file.toLowerCase().endsWith('.har');
}

/** Returns the WebSocket connections of a HAR, with each message as one frame. */
export function fromHar({ log }: Har): RecordedConnection[] {
  return log.entries.flatMap((entry, index) => {
    const { _webSocketMessages: messages, request, response } = entry;
    if (messages === undefined) return [];
    const started = Date.parse(entry.startedDateTime ?? '') || (messages[0]?.time ?? 0) * 1000 || 0;
    const { pathname, search } = new URL(request.url);
    const heads: Heads = {
      request: headOf(`GET ${pathname}${search} HTTP/1.1`, request.headers),
      // The messages of a HAR are not compressed, so the response has no extensions.
      response: headOf(
        `HTTP/1.1 ${response?.status ?? 101} ${response?.statusText ?? 'Switching Protocols'}`,
        response?.headers?.filter(({ name }) => name.toLowerCase() !== 'sec-websocket-extensions'),
      ),
    };
    // Chrome lists errors among the messages, with another `type`.
    const frames = messages.filter(({ type }) => type === 'send' || type === 'receive');
    return [
      { number: index + 1, url: request.url, started, heads, frames: frames.map((one) => frameOf(one, started)) },
    ];
  });
}

function headOf(start: string, headers: readonly Pair[] = []): string {
  // The pseudo-header fields of HTTP/2 do not belong in a head of HTTP/1.1.
  const fields = headers.filter(({ name }) => !name.startsWith(':'));
  return `${[start, ...fields.map(({ name, value }) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`;
}

/** @throws RangeError for a message with another time or opcode than browsers write */
function frameOf({ type, time, opcode, data }: HarMessage, started: number): RecordedFrame {
  if (!(Math.abs(time) < MOST_SECONDS && opcode >= 0 && opcode <= 15)) throw new RangeError('This is no message');
  const payload = Buffer.from(data, opcode === Opcode.Text ? 'utf8' : 'base64');
  const from = type === 'send' ? 'client' : 'server';
  return {
    from,
    time: Math.max(0, time * 1000 - started),
    opcode,
    fin: true,
    rsv: 0,
    isMasked: from === 'client',
    headerLength: undefined,
    length: payload.length,
    payload,
  };
}
