// `playToServer` connects to a server as a recorded client did, and plays the part of that client.
import { randomBytes } from 'node:crypto';
import { connect as connectNet, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { acceptKey, ResponseReader, type ResponseHead } from '../../sans-io.js';
import { withAuthorization } from '../arguments.js';
import { CommandError, INTERRUPTED, NO_ANSWER, TIMED_OUT, wordsOf } from '../command-error.js';
import { HANDSHAKE_TIMEOUT, type Target } from '../target.js';
import { fieldIn, fieldsOf, type RecordedConnection } from '../traffic/recorded.js';
import { compressionsIn } from '../traffic/tap.js';
import type { Pace } from './pace.js';
import { Player, type Manner, type Played } from './player.js';
import { EXTENSIONS, needsCompression, sayTheSame, scriptOf } from './script.js';

/** The fields of the opening request that are not taken from the recording. */
const OWN_FIELDS = /^(?:host|connection|upgrade|sec-websocket-key|sec-websocket-version)$/i;
const SWITCHING_PROTOCOLS = 101;

/**
 * Plays the client of a recorded connection.
 * @param path the path of the request; undefined for the recorded one
 * @throws CommandError if no connection opens
 */
export async function playToServer(
  connection: RecordedConnection,
  target: Target,
  path: string | undefined,
  manner: Manner,
  pace: Pace,
  signal: AbortSignal,
): Promise<Played> {
  const { heads } = connection;
  const key = randomBytes(16).toString('base64');
  const { authorization } = target;
  const recorded = fieldsOf(heads.request).filter(([name]) => !OWN_FIELDS.test(name));
  // That of the URL stands in place of the recorded one.
  const kept = recorded.filter(([name]) => authorization === undefined || !/^authorization$/i.test(name));
  const fields = withAuthorization(kept, authorization);
  const lines = [
    `GET ${path ?? heads.request.split(' ')[1] ?? '/'} HTTP/1.1`,
    `Host: ${target.authority}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ];
  const { socket, head, rest } = await opened(target, `${lines.join('\r\n')}\r\n\r\n`, key, signal);
  const agreed = head.headers[EXTENSIONS] as string | undefined;
  const isExact = !needsCompression(connection, 'client') || sayTheSame(agreed, fieldIn(heads.response, EXTENSIONS));
  pace.start();
  const player = new Player(
    socket,
    scriptOf(connection, 'client', isExact),
    manner,
    pace,
    compressionsIn(agreed),
    signal,
  );
  if (rest.length > 0) player.push(rest);
  socket.resume();
  return player.play();
}

interface Opened {
  readonly socket: Socket;
  readonly head: ResponseHead;
  /** The bytes after the head of the response. */
  readonly rest: Uint8Array;
}

/** Does the opening handshake; the socket is then paused. */
async function opened(target: Target, request: string, key: string, signal: AbortSignal): Promise<Opened> {
  const { connection, tls, url } = target;
  const socket = tls === undefined ? connectNet(connection) : connectTls({ ...connection, ...tls });
  const abort = (): void => void socket.destroy(new Error(INTERRUPTED));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const timer = setTimeout(() => socket.destroy(new Error(TIMED_OUT)), HANDSHAKE_TIMEOUT);
  try {
    socket.setNoDelay(true);
    socket.write(request);
    const reader = new ResponseReader();
    return await new Promise<Opened>((resolve, reject) => {
      const take = (chunk: Buffer): void => {
        const { head, rest, error } = reader.push(chunk);
        if (error !== undefined) return reject(new Error(error.message));
        if (head === undefined || rest === undefined) return;
        socket.pause();
        socket.off('data', take);
        if (head.statusCode !== SWITCHING_PROTOCOLS)
          reject(new Error(`it answers ${head.statusCode} ${head.statusMessage}`));
        else if (head.headers['sec-websocket-accept'] !== acceptKey(key))
          reject(new Error('its answer fits no WebSocket'));
        else resolve({ socket, head, rest });
      };
      socket.on('data', take);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error(NO_ANSWER)));
    });
  } catch (error) {
    socket.destroy();
    throw new CommandError(`Cannot connect to ${url}: ${wordsOf(error)}.`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
