// `land` makes a socket read straight into the kernels' landing area, instead of allocating a chunk for each read.
import { Socket } from 'node:net';
import process from 'node:process';
import type { Duplex } from 'node:stream';
import { kernels } from '../kernels/index.js';

/** The path of bytes from a socket to the kernels. */
export type ReadPath = 'landing' | 'data';

/** Node's own mechanism behind the documented `onread` option of `net.connect`, which server sockets do not have. */
interface Mechanism {
  readonly buffer: symbol;
  readonly callback: symbol;
}

type Handle = { readonly useUserBuffer?: (buffer: Uint8Array) => void } | null | undefined;

/** Called with the number of bytes that have landed; `this` is the socket. Returning false stops reading. */
type Landed = (this: Socket, bytes: number) => boolean;

/**
 * Finds the properties in which this Node keeps the buffer and the callback of `onread`: passes both to a socket in the
 * documented way and looks for them. Undefined where they are not found; sockets then emit 'data'.
 */
function findMechanism(): Mechanism | undefined {
  const buffer = new Uint8Array(1);
  const callback = (): boolean => true;
  const socket = new Socket({ onread: { buffer, callback } } as never);
  const symbols = Object.getOwnPropertySymbols(socket);
  const holds = (value: unknown) => (symbol: symbol) =>
    (socket as unknown as Record<symbol, unknown>)[symbol] === value;
  const found = { buffer: symbols.find(holds(buffer)), callback: symbols.find(holds(callback)) };
  socket.destroy();
  const { buffer: bufferSymbol, callback: callbackSymbol } = found;
  if (bufferSymbol === undefined || callbackSymbol === undefined) return undefined;
  return { buffer: bufferSymbol, callback: callbackSymbol };
}

const mechanism = findMechanism();
const asked = process.env.WSIMD_READ_PATH;
const area = kernels.bytes.subarray(kernels.landingAddress, kernels.landingAddress + kernels.landingLength);

/** The default read path; the environment variable WSIMD_READ_PATH forces one. */
export const readPath: ReadPath =
  asked === 'data' || asked === 'landing' ? asked : mechanism === undefined ? 'data' : 'landing';

/** Stands on sockets in place of the buffer, which Node only passes on: users cannot reach the kernels' memory through it. */
const placeholder = new Uint8Array(0);

/**
 * Makes the bytes that `socket` reads from now on land in the kernels' memory.
 * @returns false where that is impossible, and the socket goes on emitting 'data'
 * Deviation from ws (D11): a socket paused by its own `pause` reads nothing.
 */
export function land(socket: Socket, landed: Landed): boolean {
  if (mechanism === undefined) return false;
  const slots = socket as unknown as Record<symbol, unknown>;
  if (slots[mechanism.buffer] === placeholder) {
    // The handle has the landing area already; setting it again would keep a second entry.
    slots[mechanism.callback] = landed;
    return true;
  }
  const { _handle: handle } = socket as unknown as { _handle: Handle };
  if (typeof handle?.useUserBuffer !== 'function' || !readsFor(handle, socket)) return false;
  slots[mechanism.buffer] = placeholder;
  slots[mechanism.callback] = landed;
  handle.useUserBuffer(area);
  return true;
}

/** Whether the bytes of a socket land. */
export function lands(socket: Duplex): boolean {
  return mechanism !== undefined && (socket as unknown as Record<symbol, unknown>)[mechanism.buffer] === placeholder;
}

/** The property in which a handle keeps its socket, once known. */
let ownerSymbol: symbol | undefined;

/** Whether the handle reads for this socket: a socket may stand before another and borrow its handle. */
function readsFor(handle: object, socket: Socket): boolean {
  const slots = handle as Record<symbol, unknown>;
  if (ownerSymbol !== undefined && slots[ownerSymbol] === socket) return true;
  ownerSymbol = Object.getOwnPropertySymbols(handle).find((symbol) => slots[symbol] === socket);
  return ownerSymbol !== undefined;
}

/** A copy of the bytes that have just landed, for a socket that is read by the public path. */
export function copyLanded(bytes: number): Buffer {
  return Buffer.from(area.slice(0, bytes).buffer);
}

/** Bytes that have just landed, in place: in `memory` from `start`, valid until the next read of any socket. */
export const landing: { readonly memory: Uint8Array; readonly start: number } = {
  memory: kernels.bytes,
  start: kernels.landingAddress,
};
