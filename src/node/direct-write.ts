// `DirectWriter` hands chunks to the handles of plain sockets, with one write request that is used again.
import { Socket } from 'node:net';

type WriteCallback = (error?: Error | null) => void;

/** A write that the kernel has taken in part, as Node keeps it. */
export interface WriteRequest {
  handle?: unknown;
  oncomplete?: (this: WriteRequest, status: number) => void;
  callback?: WriteCallback;
  /** The bytes being written; no other reference keeps them alive. */
  buffer?: Uint8Array;
  bytes?: number;
  async?: boolean;
  /** The status of a write that ended before it could be reported. */
  writeStatus?: number | null;
  /** A number that is the same for all requests without a native object. */
  getAsyncId?: () => number;
}

/**
 * Hands bytes to the kernel. Returns 0 where it took all of them, a negative error number of the system where it took none,
 * and the request for the remaining bytes otherwise.
 */
type Hand = (handle: DirectHandle, bytes: Uint8Array) => number | WriteRequest;

/** A socket's handle: given a request, it returns a status; given null, in newer versions of Node, a request for waiting bytes. */
export interface DirectHandle {
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest;
}

/** Node's own parts of a write, found by a test write on a socket of ours. */
export interface WriteMechanism {
  readonly hand: Hand;
  readonly oncomplete: NonNullable<WriteRequest['oncomplete']>;
  /** The property in which a socket keeps the waiting bytes of its last write: while they decrease, it does not time out. */
  readonly waiting: symbol;
}

type Insides = Record<symbol, unknown> & {
  _handle: DirectHandle;
  _unrefTimer: () => void;
  _write?: (chunk: unknown, encoding: unknown, callback: WriteCallback) => void;
};

/** Finds the mechanism with a test write to a simulated handle. Undefined where Node has changed. */
export function findMechanism(): WriteMechanism | undefined {
  let given: WriteRequest | null | undefined;
  const returned: WriteRequest = { writeStatus: null };
  const handle: DirectHandle & { close: () => void; bytesWritten: number } = {
    bytesWritten: 0,
    writeBuffer(request) {
      given = request;
      return request === null ? returned : 0;
    },
    close() {},
  };
  const socket = new Socket({ handle, readable: false } as never);
  socket.on('error', () => {});
  socket.write(new Uint8Array(1));
  socket.destroy();
  const waiting = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'lastWriteQueueSize');
  const oncomplete = (given ?? returned).oncomplete;
  if (given === undefined || waiting === undefined || oncomplete === undefined) return undefined;
  const hand = given === null ? handNothing : handRequestsOf(given);
  return hand && { hand, oncomplete, waiting };
}

/** Node 26 and the last versions of 24 create a request only for waiting bytes. */
const handNothing: Hand = (handle, bytes) => handle.writeBuffer(null, bytes);

/** Earlier versions get a request with every write; it has a native object only while bytes wait. */
function handRequestsOf(shown: WriteRequest): Hand | undefined {
  const Request = shown.constructor as new () => Required<WriteRequest>;
  let request = new Request();
  if (typeof request.getAsyncId !== 'function') return undefined;
  const free = request.getAsyncId();
  return (handle, bytes) => {
    const status = handle.writeBuffer(request, bytes);
    // Not by `writeQueueSize`: a write that succeeds at the second attempt has an empty queue but still a native object.
    if (status !== 0 || request.getAsyncId() === free) return status;
    const busy = request;
    request = new Request();
    return busy;
  };
}

/** Writes straight to the handles of sockets. */
export class DirectWriter {
  constructor(private readonly mechanism: WriteMechanism) {}

  /**
   * Writes a chunk, unless other bytes of the stream come first, or Node would announce it with 'drain'. After false, the
   * caller writes the chunk to the stream at once; where the kernel took a part or refused it, the stream adopts that write instead
   * of writing again.
   */
  write(socket: Socket, chunk: Uint8Array): boolean {
    if (!isIdle(socket) || chunk.length === 0 || chunk.length >= socket.writableHighWaterMark) return false;
    const insides = socket as unknown as Insides;
    if (socket.timeout) insides._unrefTimer();
    const answer = this.mechanism.hand(insides._handle, chunk);
    if (answer === 0) return true;
    this.tellStream(insides, chunk, answer);
    return false;
  }

  /** Makes the stream's next write, which is of the same chunk, adopt the write that is under way or failed. */
  private tellStream(socket: Insides, chunk: Uint8Array, answer: number | WriteRequest): void {
    const { oncomplete, waiting } = this.mechanism;
    const request = typeof answer === 'number' ? {} : answer;
    const status = typeof answer === 'number' ? answer : answer.writeStatus;
    request.handle = socket._handle;
    request.oncomplete = oncomplete;
    request.buffer = chunk;
    request.bytes = chunk.length;
    request.async = true;
    socket._write = (_chunk, _encoding, callback) => {
      delete socket._write;
      request.callback = callback;
      socket[waiting] = chunk.length;
      if (typeof status === 'number') request.oncomplete!(status);
    };
  }
}

/** Whether the stream is empty and free to write. */
function isIdle(socket: Socket): boolean {
  return socket.writableLength === 0 && socket.writable && socket.writableCorked === 0 && !socket.connecting;
}
