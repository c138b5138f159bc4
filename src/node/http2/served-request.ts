// `requestOf` makes the application's request of a stream, and `letGo` detaches a request from its stream.
import { EventEmitter } from 'node:events';
import http2, {
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { readPath } from '../landing.js';

/**
 * As over HTTP/1.1, an opening request has no body, reports nothing of its connection, and lives no longer than the
 * application keeps it. Node's own would read the stream and pause it, and live as long as the stream.
 */
export function requestOf(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: string[],
): Http2ServerRequest {
  const request = new http2.Http2ServerRequest(stream, headers, {}, rawHeaders);
  // Node's own pause and resume the stream.
  request.removeAllListeners();
  if (letGo(stream, request)) request.push(null);
  else request._read = () => {};
  return request;
}

/** Detaches a stream's request and response with their listeners; false where this Node keeps them in another way. */
export function letGo(stream: ServerHttp2Stream, ...kept: (Http2ServerRequest | Http2ServerResponse)[]): boolean {
  traces ??= findTraces();
  if (traces.size === 0) return false;
  for (const name of stream.eventNames()) {
    for (const listener of stream.listeners(name) as (() => void)[]) {
      if (traces.has(listener) || (name === 'timeout' && traces.has(String(listener)))) {
        stream.removeListener(name, listener);
      }
    }
  }
  // Node's listeners on requests and responses look for them here, and do nothing where there is none.
  const slots = stream as unknown as Record<symbol, unknown>;
  for (const symbol of Object.getOwnPropertySymbols(stream)) {
    if (kept.includes(slots[symbol] as Http2ServerRequest)) slots[symbol] = undefined;
  }
  return true;
}

/** The listeners that requests and responses put on streams; of those created anew each time, the text. */
let traces: ReadonlySet<unknown> | undefined;

function findTraces(): ReadonlySet<unknown> {
  const probe = new EventEmitter() as unknown as ServerHttp2Stream;
  const found = new Set<unknown>();
  if (readPath === 'data') return found;
  try {
    const kept = [new http2.Http2ServerRequest(probe, {}, {}, []), new http2.Http2ServerResponse(probe)];
    const slots = Object.getOwnPropertySymbols(probe).map((symbol) => (probe as never)[symbol]);
    if (!kept.every((each) => slots.includes(each as never))) return found;
  } catch {
    // A Node that requires more of a stream keeps its requests.
    return found;
  }
  for (const name of probe.eventNames()) for (const listener of probe.listeners(name)) found.add(listener);
  for (const listener of probe.listeners('timeout')) found.add(String(listener));
  return found;
}
