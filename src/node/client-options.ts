// `requestOptions` makes the options of one `http.request` from the user's options and a destination, own properties only.
import type { EventEmitter } from 'node:events';
import type { ClientRequest, RequestOptions } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { DeflateAgreement, DeflatePreset } from '../extensions/permessage-deflate.js';
import type { HeaderList } from '../handshake/client.js';
import type { Destination } from './client-address.js';
import type { PerMessageDeflateOptions } from './deflate/engines.js';
import type { StreamRequest } from './http2/stream-request.js';
import type { SharedOptions } from './options.js';
import type { ReadyState } from './types.js';

type TlsOptions = Omit<tls.ConnectionOptions, keyof RequestOptions>;

/**
 * The options of a client: those below, and those of `http.request` and `tls.connect`, of which `host`, `hostname`,
 * `method`, `path`, `port`, `protocol`, `socketPath` and `timeout` are taken from the address instead.
 */
export interface ClientOptions extends SharedOptions, TlsOptions, Omit<RequestOptions, 'createConnection'> {
  /** Subprotocols, where the second argument is absent. */
  protocols?: string | readonly string[] | undefined;
  /** The version of the protocol: 13, the default, or 8. */
  protocolVersion?: number | undefined;
  /** The compression to offer. Default true. */
  perMessageDeflate?: boolean | DeflatePreset | PerMessageDeflateOptions | null | undefined;
  /** How long each opening request may take, in ms, from connecting to the response; 0, the default, for no limit. */
  handshakeTimeout?: number | undefined;
  /** Follow responses 3xx that have a Location. Off by default. */
  followRedirects?: boolean | undefined;
  /**
   * Ask over HTTP/2 (RFC 8441), on this session or, with `true`, on one that the clients of an origin share; over HTTP/1.1 where
   * the peer does not offer that. Redirects are not followed there.
   */
  http2?: boolean | ClientHttp2Session | undefined;
  /** How many redirects to follow. Default 10. */
  maxRedirects?: number | undefined;
  /** The value of Origin (version 13) or Sec-WebSocket-Origin (version 8). */
  origin?: string | undefined;
  /** Gets each opening request before it is sent, and ends it. */
  finishRequest?(request: ClientRequest, websocket: ClientSocket): void;
  /** Fills in the masking key of each frame; by default it is random. */
  generateMask?(mask: Buffer): void;
  /** Makes the stream to the server, unless an agent does. */
  createConnection?(options: ConnectionOptions, oncreate: OnCreate): Duplex | null | undefined;
}

/** The members of a WebSocket that the opening handshake uses, with the names of `ws`. */
export interface ClientSocket extends EventEmitter {
  _readyState: ReadyState;
  _url: string | undefined;
  _protocol: string;
  /** The opening request that is on its way; it alone may still change the state. */
  _req: ClientRequest | StreamRequest | null;
  /** Opens: from here on the socket carries frames. */
  setSocket(socket: Duplex, head: Buffer, options: OpenOptions): void;
  /** Ends in the state closed, with 'close'. */
  emitClose(): void;
}

/** The caller's options, and the compression agreed. */
export interface OpenOptions extends ClientOptions {
  readonly deflate?: { readonly agreement: DeflateAgreement; readonly options: PerMessageDeflateOptions } | undefined;
}

/** The argument of `createConnection`: the options of `http.request`. */
export interface ConnectionOptions extends net.TcpNetConnectOpts {
  socketPath?: string | undefined;
  servername?: string | undefined;
}

type OnCreate = (error: Error | null, socket: Duplex) => void;

/**
 * Names that Node reads from its options whether they are own properties or not, with the meaning of their absence, so that
 * something on Object.prototype cannot choose whom a client trusts and where it connects. (Where Node has defaults of its own,
 * like that of `rejectUnauthorized`, it does so itself.)
 */
const ABSENT: RequestOptions & TlsOptions = {
  agent: undefined,
  ALPNProtocols: undefined,
  auth: undefined,
  ca: undefined,
  cert: undefined,
  crl: undefined,
  family: undefined,
  insecureHTTPParser: undefined,
  key: undefined,
  localAddress: undefined,
  localPort: undefined,
  lookup: undefined,
  maxHeaderSize: undefined,
  maxVersion: undefined,
  minVersion: undefined,
  passphrase: undefined,
  pfx: undefined,
  pskCallback: undefined,
  secureContext: undefined,
  secureOptions: undefined,
  secureProtocol: undefined,
  servername: undefined,
  session: undefined,
  setHost: undefined,
  socket: undefined,
};

/** The caller's own properties, each read once, without a prototype. */
export function ownOptions(options: ClientOptions | null | undefined): Readonly<ClientOptions> {
  return Object.assign(Object.create(null) as ClientOptions, options);
}

/** The options of the request that goes to a destination. */
export function requestOptions(
  options: Readonly<ClientOptions>,
  destination: Destination,
  headers: HeaderList,
  auth: string | undefined,
): RequestOptions {
  const { isSecure, host, port, path, socketPath } = destination;
  return {
    ...ABSENT,
    ...(options as RequestOptions),
    createConnection: (options.createConnection ??
      (isSecure ? connectTls : connectNet)) as RequestOptions['createConnection'],
    defaultPort: options.defaultPort || destination.defaultPort,
    method: 'GET',
    host,
    port,
    path,
    socketPath,
    headers: joinRepeated(headers),
    auth,
    hostname: undefined,
    protocol: undefined,
    // The timeout of a socket starts anew with each byte, and its signal is for the life of the socket.
    timeout: undefined,
    signal: undefined,
  };
}

/** Fields as `http.request` takes them: those of one name together. */
function joinRepeated(fields: HeaderList): Record<string, string | string[]> {
  const joined = new Map<string, string | string[]>();
  for (const [name, value] of fields) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(joined);
}

/** Connects over TCP or IPC. */
export function connectNet(options: ConnectionOptions): net.Socket {
  return net.connect({ ...options, path: options.socketPath } as net.NetConnectOpts);
}

/** Connects over TLS. */
export function connectTls(options: ConnectionOptions): tls.TLSSocket {
  // RFC 6455 4.1: clients must use the Server Name Indication extension; RFC 6066 3: a name, never an address
  const servername = options.servername ?? (net.isIP(options.host ?? '') === 0 ? options.host : '');
  return tls.connect({ ...options, path: undefined, servername });
}
