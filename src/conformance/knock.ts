// `knock` performs a valid opening handshake, to find out whether the server answers and accepts it.

import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { EXAMINER } from './examination.js';
import { buildRequest, createKey, HeaderReader, judgeResponse, readHeader, type Target } from './handshake.js';
import { callOverHttp2 } from './http2.js';
import { after } from './patience.js';
import type { Server, ServerRun } from './server-plan.js';
import { encodeHeader, Opcode } from './wire.js';

/** A socket that is connecting, and the event after which it is connected. */
export interface Calling {
  socket: Duplex;
  connected: 'connect' | 'secureConnect';
}

/** Connects to a server. */
export function call(
  { hostname: host, port, secure, host: authority }: Server,
  { tls: { insecure = false, ...rest } = {}, http2 = false }: Pick<ServerRun, 'tls' | 'http2'>,
): Calling {
  if (http2) {
    const socket = callOverHttp2(authority, secure, { rejectUnauthorized: !insecure, ...rest });
    return { socket, connected: 'connect' };
  }
  const servername = /^[\d.]+$|:/.test(host) ? '' : host;
  const socket = secure
    ? connectTls({ host, port, servername, rejectUnauthorized: !insecure, ...rest })
    : connect({ host, port });
  socket.setNoDelay(true);
  return { socket, connected: secure ? 'secureConnect' : 'connect' };
}

/** The answer of a server to a valid handshake. */
export type Answer =
  /** The server accepts it; `agent` is its Server header. */
  | { kind: 'open'; agent: string | null; leave: () => Promise<void> }
  /** The server accepts TCP, and refuses the handshake or does not answer. */
  | { kind: 'deaf'; why: string }
  /** No server accepts the connection. */
  | { kind: 'gone'; why: string };

/** The `why` where the time is over. */
export const NO_ANSWER: string = 'no answer in time';

/** The time limit for a connection to end after `leave`, in seconds. */
const LEAVE = 0.2;
const MAX_UNWANTED = 64 * 1024;

/** Performs one handshake, and waits `seconds` for the answer. An open connection stays open until `leave`. */
export function knock({ socket, connected }: Calling, target: Target, seconds: number): Promise<Answer> {
  const key = createKey();
  const reader = new HeaderReader();
  return new Promise((resolve) => {
    let there = false;
    let why = 'it ended the connection without an answer';
    const settle = (answer: Answer): void => {
      cancel();
      resolve(answer);
      if (answer.kind !== 'open') socket.destroy();
    };
    const cancel = after(seconds, () => settle({ kind: there ? 'deaf' : 'gone', why: NO_ANSWER }));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      why = error.code ?? error.message;
    });
    socket.once('close', () => settle({ kind: there ? 'deaf' : 'gone', why }));
    socket.once(connected, () => {
      there = true;
      socket.write(buildRequest({ ...target, key, agent: EXAMINER, extensions: null }, {}));
    });
    const onData = (chunk: Buffer): void => {
      const read = reader.push(chunk);
      if (read === undefined) return;
      socket.off('data', onData);
      socket.pause();
      const header = read === null ? null : readHeader(read.header);
      if (header === null) settle({ kind: 'deaf', why: 'its answer is no HTTP' });
      else {
        const wrong = judgeResponse(header, key, target.protocols);
        const agent = header.values('server')[0] ?? null;
        if (wrong !== null) settle({ kind: 'deaf', why: wrong.replace(/\.$/, '') });
        else settle({ kind: 'open', agent, leave: () => leave(socket) });
      }
    };
    socket.on('data', onData);
  });
}

/** Ends a connection with a Close frame; resolves when it has ended. */
function leave(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) {
      resolve();
      return;
    }
    const cancel = after(LEAVE, () => socket.destroy());
    socket.once('close', () => {
      cancel();
      resolve();
    });
    const mask = Buffer.alloc(4);
    socket.end(
      Buffer.concat([
        encodeHeader({ fin: true, rsv: 0, opcode: Opcode.Close, mask, length: 2 }),
        Buffer.from([0x03, 0xe8]),
      ]),
    );
    // Bytes before the end are ignored; too many end the connection.
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_UNWANTED) socket.destroy();
    });
    socket.resume();
  });
}
