// `writeHead` writes the head of a 101; `digest` computes its SHA-1 by the single call of newer Nodes.
import { Buffer } from 'node:buffer';
import crypto from 'node:crypto';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Digest } from '../../handshake/accept.js';
import { isPlain } from '../plain-socket.js';
import { directWriter, type WritePath } from '../write-path.js';

/** SHA-1 in base64; undefined before Node 20.12. */
export const digest: Digest | undefined =
  typeof crypto.hash === 'function' ? (text) => crypto.hash('sha1', text, 'base64') : undefined;

/** Writes a head to the handle, where the following frames go too, or else to the stream. */
export function writeHead(socket: Duplex, head: string, path: WritePath): void {
  if (path === 'stream' || !isPlain(socket, undefined)) {
    socket.write(head);
    return;
  }
  // Not from Node's pool: bytes that wait for one connection share no memory with others.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(head));
  bytes.write(head);
  if (!directWriter()?.write(socket as Socket, bytes)) socket.write(bytes);
}
