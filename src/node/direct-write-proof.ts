// `provesDirectWrites` tests direct writes on Node sockets with simulated handles, before real sockets use them.
import { Socket } from 'node:net';
import { DirectWriter, type DirectHandle, type WriteMechanism, type WriteRequest } from './direct-write.js';

/** A simulated handle, which takes, keeps or refuses the bytes written to it. */
class Trial implements DirectHandle {
  /** The written bytes and the later calls, in order. */
  private log = '';
  /** The kernel takes only a part of the next direct write. */
  isShort = false;
  /** The error of the next write. */
  status = 0;
  private pending: WriteRequest | undefined;
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  readonly socket: Socket;

  constructor() {
    this.socket = new Socket({ handle: this, readable: false } as never);
    this.socket.on('error', () => {});
  }

  writeBuffer(given: WriteRequest | null, bytes: Uint8Array): number | WriteRequest {
    const { status, isShort } = this;
    if (status !== 0) return status;
    this.log += String.fromCharCode(...bytes);
    if (!isShort) return 0;
    this.isShort = false;
    const request = given ?? { writeStatus: null };
    request.getAsyncId = () => Infinity;
    this.pending = request;
    return given === null ? request : 0;
  }

  /** Acts as if the kernel had taken the rest. */
  complete(status: number): void {
    const { pending } = this;
    this.pending = undefined;
    pending!.oncomplete!(status);
  }

  saw(log: string): boolean {
    return this.log === log;
  }

  shutdown(): number {
    this.log += '|';
    return 0;
  }

  close(): void {
    this.log += 'x';
  }
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
/** EPIPE on most systems; any error would do. */
const REFUSED = -32;

/** Whether direct writes keep bytes and order, and whether the stream learns of writes that the kernel took in part. */
export function provesDirectWrites(mechanism: WriteMechanism): boolean {
  const writer = new DirectWriter(mechanism);
  return [takesAll, keepsOrder, ends, failsLater, fails, destroys].every((proves) => {
    const trial = new Trial();
    const isProven = proves(writer, trial, trial.socket);
    trial.socket.destroy();
    return isProven;
  });
}

/** Two writes with one request; the stream does not learn of them. */
function takesAll(writer: DirectWriter, trial: Trial, socket: Socket): boolean {
  const areTaken = writer.write(socket, bytes('a')) && writer.write(socket, bytes('b'));
  return areTaken && trial.saw('ab') && socket.writableLength === 0;
}

/** Starts a write that is taken in part, and returns whether the stream holds all of it. */
function isHeld(writer: DirectWriter, trial: Trial, socket: Socket, told?: (error?: Error | null) => void): boolean {
  trial.isShort = true;
  const chunk = bytes('abc');
  if (writer.write(socket, chunk)) return false;
  socket.write(chunk, told);
  return trial.saw('abc') && socket.writableLength === chunk.length && !Object.hasOwn(socket, '_write');
}

/** The bytes after a partial write wait for it. */
function keepsOrder(writer: DirectWriter, trial: Trial, socket: Socket): boolean {
  let isTold = false;
  const held = isHeld(writer, trial, socket, () => (isTold = true));
  const isOvertaken = writer.write(socket, bytes('d'));
  socket.write(bytes('d'));
  if (!held || isOvertaken || isTold || !trial.saw('abc')) return false;
  trial.complete(0);
  return isTold && trial.saw('abcd');
}

function ends(writer: DirectWriter, trial: Trial, socket: Socket): boolean {
  const held = isHeld(writer, trial, socket);
  socket.end();
  if (!held || !trial.saw('abc')) return false;
  trial.complete(0);
  return trial.saw('abc|') && !writer.write(socket, bytes('d'));
}

function failsLater(writer: DirectWriter, trial: Trial, socket: Socket): boolean {
  const held = isHeld(writer, trial, socket);
  trial.complete(REFUSED);
  return held && isRefusal(socket.errored) && socket.destroyed;
}

function fails(writer: DirectWriter, trial: Trial, socket: Socket): boolean {
  trial.status = REFUSED;
  const chunk = bytes('a');
  const isTaken = writer.write(socket, chunk);
  socket.write(chunk);
  return !isTaken && isRefusal(socket.errored) && !writer.write(socket, chunk);
}

function isRefusal(error: (Error & { errno?: number; syscall?: string }) | null): boolean {
  return error?.errno === REFUSED && error.syscall === 'write';
}

/** Node completes the writes of a closed handle. */
function destroys(writer: DirectWriter, trial: Trial, socket: Socket): boolean {
  const held = isHeld(writer, trial, socket);
  socket.destroy();
  trial.complete(0);
  return held && trial.saw('abcx') && socket.errored === null;
}
