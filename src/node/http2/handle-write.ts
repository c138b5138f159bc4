// `handleWriter` hands chunks to the handles of HTTP/2 streams, as Node itself does after their `write`.
import process from 'node:process';
import type { Duplex } from 'node:stream';
import type { DirectHandle, WriteRequest } from '../direct-write.js';

/** A connection that hands over bytes. */
export interface Giver {
  /** Called when the session has written a chunk, or never will. */
  wasTaken(handed: HandedChunk, error: Error | null | undefined): void;
}

/** A chunk that was handed over, with two values that its giver may keep with it. */
export interface HandedChunk {
  readonly length: number;
  flight: unknown;
  tray: unknown;
}

interface HandleRequest extends WriteRequest {
  giver?: Giver;
  handed?: HandedChunk;
}

/** The methods between `write` of a stream and its handle; they are compared, never called. */
interface StreamMethods {
  readonly _write: unknown;
  readonly _writev: unknown;
}

type StreamInsides = Duplex & StreamMethods & { readonly [handle: symbol]: DirectHandle | undefined };

/** Node's own parts of a write, found in a write of a stream. */
interface Mechanism {
  readonly handle: symbol;
  readonly methods: StreamMethods;
  /** Undefined where the handle makes the requests itself, as in Node 26. */
  readonly Request: (new () => HandleRequest) | undefined;
  readonly oncomplete: NonNullable<WriteRequest['oncomplete']>;
}

/** A write of Node's under observation. */
interface Shown extends Pick<Mechanism, 'handle' | 'methods' | 'Request'> {
  readonly request: HandleRequest;
}

/** Whether a socket is a stream of HTTP/2 of Node's own. */
export function isHttp2Stream(socket: Duplex): boolean {
  const name = (socket.constructor as { name?: unknown } | undefined)?.name;
  return name === 'ServerHttp2Stream' || name === 'ClientHttp2Stream';
}

/** Learns from the first write of the thread, which goes through its stream; later writes bypass the streams. */
export class HandleWriter {
  private shown: Shown | undefined;
  private mechanism: Mechanism | undefined;
  /** This Node differs from the known ones. Sessions of Deno send only the writes of streams. */
  private isOff = process.versions.deno !== undefined;

  /**
   * Hands a chunk to the handle of a stream without waiting bytes; calls `giver` once it is written.
   * @param isLast the process is exiting: the chunk may follow a write of the stream that is under way
   * @returns undefined where the stream has to be written to
   */
  write(stream: Duplex, chunk: Uint8Array, giver: Giver, isLast = false): HandedChunk | undefined {
    const insides = stream as StreamInsides;
    const mechanism = this.mechanism ?? this.learn(insides, chunk);
    if (mechanism === undefined || !isIdle(insides, isLast) || !isNodes(insides, mechanism.methods)) return undefined;
    const handle = insides[mechanism.handle];
    if (handle === undefined) return undefined;
    const own = mechanism.Request && new mechanism.Request();
    const answer = handle.writeBuffer(own ?? null, chunk);
    const request = own ?? answer;
    if (typeof request === 'number' || (own !== undefined && answer !== 0)) return undefined;
    request.handle = handle;
    request.oncomplete = mechanism.oncomplete;
    request.callback = tell;
    request.async = true;
    request.buffer = chunk;
    // Node counts bytes that wait in the stream; it has not counted these.
    request.bytes = 0;
    (request as HandleRequest).giver = giver;
    return ((request as HandleRequest).handed = { length: chunk.length, flight: undefined, tray: undefined });
  }

  /** The mechanism, once a write has shown it; else observes the next write of the stream. */
  private learn(stream: StreamInsides, chunk: Uint8Array): Mechanism | undefined {
    const { shown } = this;
    if (shown !== undefined) {
      const { request, ...parts } = shown;
      const { oncomplete } = request;
      this.isOff = typeof oncomplete !== 'function' || request.buffer === undefined;
      if (!this.isOff) this.mechanism = { ...parts, oncomplete: oncomplete! };
      this.shown = undefined;
      return this.mechanism;
    }
    if (!this.isOff) this.isOff = !this.watch(stream, chunk);
    return undefined;
  }

  /** Observes how the handle of a stream is given a chunk. */
  private watch(stream: StreamInsides, chunk: Uint8Array): boolean {
    const symbol = Object.getOwnPropertySymbols(stream).find(({ description }) => description === 'kHandle');
    const handle = symbol && stream[symbol];
    if (symbol === undefined || typeof handle?.writeBuffer !== 'function') return false;
    // oxlint-disable-next-line unbound-method -- they are compared, and called on their handle
    const [{ _write, _writev }, { writeBuffer }] = [stream, handle];
    handle.writeBuffer = (given, bytes) => {
      delete (handle as Partial<DirectHandle>).writeBuffer;
      const answer = writeBuffer.call(handle, given, bytes);
      const request = given ?? answer;
      const Request = given === null ? undefined : (given.constructor as new () => HandleRequest);
      if (bytes === chunk && typeof request === 'object' && (given === null || answer === 0)) {
        this.shown = { handle: symbol, methods: { _write, _writev }, request, Request };
      }
      return answer;
    };
    return true;
  }
}

function tell(this: HandleRequest, error?: Error | null): void {
  this.giver!.wasTaken(this.handed!, error);
}

/** Whether the stream is empty and free to write. */
function isIdle(stream: StreamInsides, isLast: boolean): boolean {
  const { pending, headersSent } = stream as { pending?: boolean; headersSent?: boolean };
  return (
    (stream.writableLength === 0 || (isLast && queuedWrites(stream) === 0)) &&
    stream.writable &&
    stream.writableCorked === 0 &&
    pending === false &&
    headersSent === true
  );
}

/** How many writes wait in the stream behind the one under way; undefined where this Node does not say. */
function queuedWrites(stream: StreamInsides): number | undefined {
  return (stream as { _writableState?: { bufferedRequestCount?: number } })._writableState?.bufferedRequestCount;
}

function isNodes(stream: StreamInsides, { _write, _writev }: StreamMethods): boolean {
  return stream._write === _write && stream._writev === _writev;
}

/** The writer of this thread. */
export const handleWriter: HandleWriter = new HandleWriter();
