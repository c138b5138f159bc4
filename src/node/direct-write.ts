// `DirectWriter` hands chunks to the handles of plain sockets, by one write request that serves again and again.
import { Socket } from 'node:net';

type WriteCallback = (error?: Error | null) => void;

/** A write that the kernel has not taken whole, as Node keeps it. */
export interface WriteRequest {
  handle?: unknown;
  oncomplete?: (this: WriteRequest, status: number) => void;
  callback?: WriteCallback;
  /** The bytes being written, which nothing else may keep alive. */
  buffer?: Uint8Array;
  bytes?: number;
  async?: boolean;
  /** The status of a write that was over before it could be told. */
  writeStatus?: number | null;
  /** A number that is the same for all requests that no native object hangs on. */
  getAsyncId?: () => number;
}

/**
 * Hands bytes to the kernel. Returns 0 where it took all of them, a negative error number of the system where it took none,
 * and else the request that stands for the rest.
 */
type Hand = (handle: DirectHandle, bytes: Uint8Array) => number | WriteRequest;

/** A socket's handle: given a request, it returns a status; given null, by newer Nodes, the request of the bytes that wait too. */
export interface DirectHandle {
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest;
}

/** Node's own parts of a write, as a write of a socket of ours shows them. */
export interface WriteMechanism {
  readonly hand: Hand;
  readonly oncomplete: NonNullable<WriteRequest['oncomplete']>;
  /** Where a socket keeps how many bytes of its last write wait: while they become fewer, it does not time out. */
  readonly waiting: symbol;
}

type Insides = Record<symbol, unknown> & {
  _handle: DirectHandle;
  _unrefTimer: () => void;
  _write?: (chunk: unknown, encoding: unknown, callback: WriteCallback) => void;
};

/** Finds the mechanism by a write to a handle that is made here. Undefined where Node has changed. */
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

/** Node 26 and the last versions of 24 make a request only for bytes that wait. */
const handNothing: Hand = (handle, bytes) => handle.writeBuffer(null, bytes);

/** Before that every write is given a request, on which a native object hangs only while bytes wait. */
function handRequestsOf(shown: WriteRequest): Hand | undefined {
  const Request = shown.constructor as new () => Required<WriteRequest>;
  let request = new Request();
  if (typeof request.getAsyncId !== 'function') return undefined;
  const free = request.getAsyncId();
  return (handle, bytes) => {
    const status = handle.writeBuffer(request, bytes);
    // Not by `writeQueueSize`: a write that goes out at the second try has an empty queue and a native object still.
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
   * Writes a chunk, unless something stands before it in the stream, or Node would tell of it by 'drain'. False leaves the
   * chunk to be written to the stream at once; where the kernel has some of it, or refused it, the stream is told of that
   * instead of writing.
   */
  write(socket: Socket, chunk: Uint8Array): boolean {
    if (!isIdle(socket) || chunk.length === 0 || chunk.length >= socket.writableHighWaterMark) return false;
    const insides = socket as unknown as Insides;
    insides._unrefTimer();
    const answer = this.mechanism.hand(insides._handle, chunk);
    if (answer === 0) return true;
    this.tellStream(insides, chunk, answer);
    return false;
  }

  /** Has the next write of the stream, which is of the same chunk, be the one that is under way, or that failed. */
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

/** Whether nothing is in the stream, nor keeps it from writing. */
function isIdle(socket: Socket): boolean {
  return socket.writableLength === 0 && socket.writable && socket.writableCorked === 0 && !socket.connecting;
}
