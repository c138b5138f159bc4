// `ServerOptions` are the options of a WebSocketServer, with their defaults and checks.
import type { IncomingMessage, Server } from 'node:http';
import type { Http2SecureServer, Http2Server } from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import type { DeflatePreset } from '../extensions/permessage-deflate.js';
import type { FieldValue } from '../handshake/field.js';
import {
  DEFAULT_CLOSE_TIMEOUT,
  DEFAULT_HANDSHAKE_TIMEOUT,
  DEFAULT_MAX_BUFFERED_CHUNKS,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_FRAGMENTS,
  DEFAULT_MAX_PAYLOAD,
} from '../spec/limits.js';
import { acceptPath, type AcceptPath } from './accept/direct.js';
import type { PerMessageDeflateOptions } from './deflate/engines.js';
import { checkOptions, countOption, own, wordOption, type SharedOptions } from './options.js';
import type { WebSocket } from './websocket.js';
import type { WritePath } from './write-path.js';

/** The first argument of `verifyClient`. */
export interface ClientInfo {
  readonly origin: string | undefined;
  /** Whether the connection is encrypted. */
  readonly secure: boolean;
  readonly req: IncomingMessage;
}

export type VerifyClientSync = (info: ClientInfo) => boolean;
/** Accepts a client, or refuses it with a status of 200 to 999 (401 for none), a body and additional fields. */
export type VerifyClientAnswer = (
  accepted: boolean,
  status?: number,
  message?: string,
  headers?: Record<string, FieldValue>,
) => void;
export type VerifyClientAsync = (info: ClientInfo, answer: VerifyClientAnswer) => void;

/** A class for new connections: WebSocket, or a subclass. */
export type WebSocketClass<T extends WebSocket = WebSocket> = new (
  address: null,
  protocols: undefined,
  options: SharedOptions,
) => T;

export interface ServerOptions extends SharedOptions {
  /** A port, 0 for any free port; or the path of a Unix socket or pipe. */
  port?: number | string | null | undefined;
  host?: string | null | undefined;
  backlog?: number | null | undefined;
  /** An HTTP server: HTTP/1.1, HTTP/2 (RFC 8441), or both. */
  server?: Server | HttpsServer | Http2Server | Http2SecureServer | null | undefined;
  noServer?: boolean | null | undefined;
  /** Accept only requests for this path, compared up to the question mark. */
  path?: string | null | undefined;
  /** Keep all open connections in `clients`. Default true. */
  clientTracking?: boolean | null | undefined;
  verifyClient?: VerifyClientSync | VerifyClientAsync | null | undefined;
  /** Chooses one of the offered subprotocols; by default the first. */
  handleProtocols?: ((protocols: Set<string>, request: IncomingMessage) => string | false) | null | undefined;
  perMessageDeflate?: boolean | DeflatePreset | PerMessageDeflateOptions | null | undefined;
  WebSocket?: WebSocketClass | undefined;
  /** Origins that may connect; other requests, and those without an Origin, are answered with 403. By default all may. */
  allowedOrigins?: readonly (string | undefined)[] | undefined;
  /** Require all of RFC 6455 4.2.1, not only the part that `ws` checks. Default false. */
  strictHandshake?: boolean | undefined;
  /** How long an opening handshake may take on the server's own HTTP server, in ms. Default 10,000. */
  handshakeTimeout?: number | undefined;
  /**
   * Whether this library reads plain requests to the server's own HTTP server, where this Node can, or the parser of node:http
   * reads all requests. Default: the value of the environment variable WSIMD_ACCEPT_PATH, else 'direct'.
   */
  acceptPath?: AcceptPath | undefined;
  /** Answer connections beyond this number with 503; 0, the default, for no limit. */
  maxConnections?: number | undefined;
  /** Closes the server when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** The defaults, visible in `wss.options`. */
export const DEFAULTS: ServerOptions = {
  allowSynchronousEvents: true,
  autoPong: true,
  maxPayload: DEFAULT_MAX_PAYLOAD,
  maxFragments: DEFAULT_MAX_FRAGMENTS,
  maxBufferedChunks: DEFAULT_MAX_BUFFERED_CHUNKS,
  skipUTF8Validation: false,
  perMessageDeflate: false,
  handleProtocols: null,
  clientTracking: true,
  closeTimeout: DEFAULT_CLOSE_TIMEOUT,
  verifyClient: null,
  noServer: false,
  backlog: null,
  server: null,
  host: null,
  path: null,
  port: null,
};

/**
 * Checks every option that is a number or one of a set of words.
 * @throws RangeError when a number cannot be honoured; TypeError for an unknown word
 */
export function checkServerOptions(options: ServerOptions): {
  readonly handshakeTimeout: number;
  readonly maxConnections: number;
  readonly acceptPath: AcceptPath;
  readonly writePath: WritePath;
} {
  const { readPath, writePath } = checkOptions(options);
  const asked = wordOption('acceptPath', own(options, 'acceptPath'), ['direct', 'http'], acceptPath);
  return {
    // Request heads are read into the landing area.
    acceptPath: readPath === 'landing' ? asked : 'http',
    writePath,
    handshakeTimeout: countOption('handshakeTimeout', own(options, 'handshakeTimeout'), DEFAULT_HANDSHAKE_TIMEOUT),
    maxConnections: countOption('maxConnections', own(options, 'maxConnections'), DEFAULT_MAX_CONNECTIONS),
  };
}
