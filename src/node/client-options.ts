// `requestOptions` builds the options of one `http.request` from own properties of the user's options and a destination.
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
  /** Subprotocols, used where the second argument is absent. */
  protocols?: string | readonly string[] | undefined;
  /** The version of the protocol: 13, the default, or 8. */
  protocolVersion?: number | undefined;
  /** The compression to offer. Default true. */
  perMessageDeflate?: boolean | DeflatePreset | PerMessageDeflateOptions | null | undefined;
  /** Time limit of each opening request, in ms, from connecting to the response; 0, the default, for no limit. */
  handshakeTimeout?: number | undefined;
  /** Follow 3xx responses that have a Location. Off by default. */
  followRedirects?: boolean | undefined;
  /**
   * Connect over HTTP/2 (RFC 8441), on this session or, with `true`, on one that all clients of an origin share; over HTTP/1.1
   * where the peer does not support that. Redirects are not followed over HTTP/2.
   */
  http2?: boolean | ClientHttp2Session | undefined;
  /** How many redirects to follow. Default 10. */
  maxRedirects?: number | undefined;
  /** The value of Origin (version 13) or Sec-WebSocket-Origin (version 8). */
  origin?: string | undefined;
  /** Called with each opening request before it is sent; the callback has to end it. */
  finishRequest?(request: ClientRequest, websocket: ClientSocket): void;
  /** Fills in the masking key of each frame; random by default. */
  generateMask?(mask: Buffer): void;
  /** Creates the stream to the server, unless an agent does. */
  createConnection?(options: ConnectionOptions, oncreate: OnCreate): Duplex | null | undefined;
}

/** The members of a WebSocket that the opening handshake uses, with the names of `ws`. */
export interface ClientSocket extends EventEmitter {
  _isServer: boolean;
  _readyState: ReadyState;
  _url: string | undefined;
  _protocol: string;
  /** How many redirects the client was told to follow; the one past the limit counts too. */
  _redirects: number | undefined;
  /** The opening request under way; null where none may change the state any more. */
  _req: ClientRequest | StreamRequest | null;
  /** Opens: from here on the socket carries frames. */
  setSocket(socket: Duplex, head: Buffer, options: OpenOptions): void;
  /** Ends in the state CLOSED, with 'close'. */
  emitClose(): void;
}

/** The caller's options, and the agreed compression. */
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
 * Names that Node also reads from the prototype of its options, each with its default, so that a property on Object.prototype
 * cannot choose a client's destination or trust. (Names with other defaults of Node's, such as `rejectUnauthorized`, are read
 * safely by Node itself.)
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

/** The caller's own properties, each read once, in an object without a prototype. */
export function ownOptions(options: ClientOptions | null | undefined): Readonly<ClientOptions> {
  return Object.assign(Object.create(null) as ClientOptions, options);
}

/** The options of the request to one destination. */
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
    // A socket's timeout restarts with each byte, and its signal would outlive the handshake.
    timeout: undefined,
    signal: undefined,
  };
}

/** Header fields as `http.request` takes them: fields of one name joined in a list. */
function joinRepeated(fields: HeaderList): Record<string, string | string[]> {
  const joined = new Map<string, string | string[]>();
  for (const [name, value] of fields) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(joined);
}

/** Connects over TCP or an IPC path. */
export function connectNet(options: ConnectionOptions): net.Socket {
  return net.connect({ ...options, path: options.socketPath } as net.NetConnectOpts);
}

/** Connects over TLS. */
export function connectTls(options: ConnectionOptions): tls.TLSSocket {
  // RFC 6455 4.1: clients must use the Server Name Indication extension; RFC 6066 3: a name, never an address
  const servername = options.servername ?? (net.isIP(options.host ?? '') === 0 ? options.host : '');
  return tls.connect({ ...options, path: undefined, servername });
}
