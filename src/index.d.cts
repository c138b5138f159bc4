// `WebSocket` is the type of `require('wsimd')`, written by hand where code for @types/ws 8.18 must compile unchanged.
// The rest comes from the sources: scripts/post.mjs makes these imports CommonJS, and test/package.test.ts checks it.
import type { Blob as NodeBlob } from 'node:buffer';
import { EventEmitter } from 'node:events';
import type { Agent, ClientRequest, ClientRequestArgs, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import type {
  ClientHttp2Session,
  Http2SecureServer,
  Http2Server,
  Http2ServerRequest,
  IncomingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import type { createConnection } from 'node:net';
import { Writable, type Duplex, type DuplexOptions } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import type { URL } from 'node:url';
import type { ZlibOptions } from 'node:zlib';
import type * as counts from './codec/statistics.js' with { 'resolution-mode': 'import' };
import type { DeflatePreset } from './extensions/permessage-deflate.js' with { 'resolution-mode': 'import' };
import type * as engines from './node/deflate/engines.js' with { 'resolution-mode': 'import' };
import type * as options from './node/options.js' with { 'resolution-mode': 'import' };
import type * as words from './node/types.js' with { 'resolution-mode': 'import' };

/** A WebSocket, connected by a client or accepted by a server. */
declare class WebSocket extends EventEmitter {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSING: 2;
  static readonly CLOSED: 3;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;

  /**
   * The form of the data of binary messages; default 'nodebuffer'. With 'blob', `data` is a Blob of node:buffer.
   * @types/ws has no such value, so the getter is declared without it.
   */
  get binaryType(): 'nodebuffer' | 'arraybuffer' | 'fragments';
  set binaryType(value: 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob');
  /** Bytes, framing included, that were sent and have not been handed to the operating system. */
  readonly bufferedAmount: number;
  /** 'permessage-deflate' where that was agreed, else ''. */
  readonly extensions: string;
  readonly isPaused: boolean;
  /** The subprotocol, '' for none. */
  readonly protocol: string;
  readonly readyState: 0 | 1 | 2 | 3;
  /** The address that was connected to; on a server's side it is undefined. */
  readonly url: string;

  /** Whether to wait for 'drain' before sending more. */
  readonly needDrain: boolean;
  /** How the connection ended; undefined before 'close'. */
  readonly closeInfo: WebSocket.CloseInfo | undefined;
  /** Messages, frames and bytes, both ways; undefined unless the option `statistics` asked for them. */
  readonly statistics: WebSocket.Statistics | undefined;

  // Read without the target, which for code that knows the WebSocket of @types/ws lacks the additions.
  get onopen(): Handler<Omit<WebSocket.Event, 'target'>> | null;
  set onopen(handler: Handler<WebSocket.Event> | null);
  get onerror(): Handler<Omit<WebSocket.ErrorEvent, 'target'>> | null;
  set onerror(handler: Handler<WebSocket.ErrorEvent> | null);
  get onclose(): Handler<Omit<WebSocket.CloseEvent, 'target'>> | null;
  set onclose(handler: Handler<WebSocket.CloseEvent> | null);
  get onmessage(): Handler<Omit<WebSocket.MessageEvent, 'target'>> | null;
  set onmessage(handler: Handler<WebSocket.MessageEvent> | null);

  /** With null: a socket for `setSocket`, or for the option `WebSocket` of a server. */
  constructor(address: null, protocols?: undefined, options?: WebSocket.SharedOptions);
  /** Throws SyntaxError for a bad address or subprotocol, and RangeError for an option that cannot be honoured. */
  constructor(address: string | URL, options?: WebSocket.ClientOptions | ClientRequestArgs);
  constructor(
    address: string | URL,
    protocols?: string | string[],
    options?: WebSocket.ClientOptions | ClientRequestArgs,
  );

  /**
   * Starts the closing handshake (RFC 6455 7.1.2).
   * @param code 1000-1003, 1007-1014 or 3000-4999
   * @param reason at most 123 bytes as UTF-8
   */
  close(code?: number, reason?: string | Uint8Array): void;
  /** Sends a ping (RFC 6455 5.5.2) of at most 125 bytes. */
  ping(data?: unknown, mask?: boolean, callback?: (error: Error) => void): void;
  /** Sends an unasked pong (RFC 6455 5.5.3) of at most 125 bytes. */
  pong(data?: unknown, mask?: boolean, callback?: (error: Error) => void): void;
  /**
   * Sends a message; throws while connecting. The callback runs when the message is written, or with the error that
   * stopped it.
   */
  send(data: WebSocket.Sendable, callback?: (error?: Error) => void): void;
  send(data: WebSocket.Sendable, options: WebSocket.MessageOptions, callback?: (error?: Error) => void): void;
  /** Ends the connection without a closing handshake. */
  terminate(): void;
  /** Stops reading from the socket; messages already read may still come. */
  pause(): void;
  /** Reads again. */
  resume(): void;
  /** Takes over a socket whose handshake is done, and opens. `head`: bytes that came with the handshake. */
  setSocket(socket: Duplex, head: Buffer, options?: WebSocket.SharedOptions): void;
  /** Messages one after another, with backpressure; ends when the connection closes. */
  [Symbol.asyncIterator](): AsyncIterableIterator<{ data: WebSocket.RawData; isBinary: boolean }>;

  addEventListener<E extends keyof WebSocket.WebSocketEventMap>(
    type: E,
    listener:
      ((event: WebSocket.WebSocketEventMap[E]) => void) | { handleEvent(event: WebSocket.WebSocketEventMap[E]): void },
    options?: WebSocket.EventListenerOptions,
  ): void;
  removeEventListener<E extends keyof WebSocket.WebSocketEventMap>(
    type: E,
    listener:
      ((event: WebSocket.WebSocketEventMap[E]) => void) | { handleEvent(event: WebSocket.WebSocketEventMap[E]): void },
  ): void;

  on<E extends keyof WebSocket.WebSocketEvents>(
    event: E,
    listener: Listener<WebSocket, WebSocket.WebSocketEvents[E]>,
  ): this;
  on(event: string | symbol, listener: AnyListener<WebSocket>): this;
  once<E extends keyof WebSocket.WebSocketEvents>(
    event: E,
    listener: Listener<WebSocket, WebSocket.WebSocketEvents[E]>,
  ): this;
  once(event: string | symbol, listener: AnyListener<WebSocket>): this;
  off<E extends keyof WebSocket.WebSocketEvents>(
    event: E,
    listener: Listener<WebSocket, WebSocket.WebSocketEvents[E]>,
  ): this;
  off(event: string | symbol, listener: AnyListener<WebSocket>): this;
  addListener<E extends keyof WebSocket.WebSocketEvents>(
    event: E,
    listener: Listener<WebSocket, WebSocket.WebSocketEvents[E]>,
  ): this;
  addListener(event: string | symbol, listener: AnyListener<WebSocket>): this;
  removeListener<E extends keyof WebSocket.WebSocketEvents>(
    event: E,
    listener: Listener<WebSocket, WebSocket.WebSocketEvents[E]>,
  ): this;
  removeListener(event: string | symbol, listener: AnyListener<WebSocket>): this;
}

type Handler<E> = (event: E) => void;
type Listener<This, Args extends unknown[]> = (this: This, ...args: Args) => void;
// Listeners of other events declare their own parameters, as with EventEmitter.
// oxlint-disable-next-line typescript/no-explicit-any
type AnyListener<This> = (this: This, ...args: any[]) => void;

/** `WebSocket.WebSocket`: within its namespace the class needs another name. */
declare const WebSocketClass: typeof WebSocket;
interface WebSocketClass extends WebSocket {}

declare namespace WebSocket {
  // A value and an interface, as in @types/ws: a program that adds to the interface keeps both.
  export const WebSocket: typeof WebSocketClass;
  export interface WebSocket extends WebSocketClass {}

  // ---- messages

  /**
   * The data that a 'message' listener receives: a Blob with `binaryType = 'blob'`, a string for text with
   * `text: 'string'`. The string is declared as a Buffer too, so that `typeof data === 'string'` finds it and code
   * without that option compiles.
   */
  export type RawData = Buffer | ArrayBuffer | Buffer[] | (Buffer & string);
  /** The data that `onmessage` receives. */
  export type Data = string | Buffer | ArrayBuffer | Buffer[];

  /** Every value that can be sent: a number as text, anything falsy as an empty message. */
  export type Sendable =
    | string
    | number
    | ArrayBufferView
    | ArrayBuffer
    | SharedArrayBuffer
    | Blob
    | NodeBlob
    | readonly unknown[]
    | { valueOf(): ArrayBuffer | SharedArrayBuffer | Uint8Array | readonly number[] | string }
    | { [Symbol.toPrimitive](hint: string): string };

  export type MessageOptions = words.MessageOptions;
  export type CloseInfo = words.CloseInfo;
  export type Statistics = counts.Statistics;

  // ---- options

  /** Options that a server and a client share. */
  export interface SharedOptions extends options.SharedOptions {
    /** Compression (RFC 7692). Default: true for a client, false for a server. */
    perMessageDeflate?: boolean | DeflatePreset | PerMessageDeflateOptions | undefined;
  }
  export type Heartbeat = options.Heartbeat;
  export interface PerMessageDeflateOptions extends Omit<engines.PerMessageDeflateOptions, 'zlibDeflateOptions'> {
    /** As for zlib; @types/ws declares a list as dictionary too, which zlib refuses. */
    zlibDeflateOptions?: ZlibOptions | KeptZlibOptions | undefined;
  }

  export type CertMeta = string | string[] | Buffer | Buffer[];

  /** Gets each opening request before it is sent, and ends it. */
  export type FinishRequestCallback = (request: ClientRequest, websocket: WebSocket) => void;

  export interface ClientOptions extends SecureContextOptions, SharedOptions {
    protocol?: string | undefined;
    /** Subprotocols, used when the second argument is absent. */
    protocols?: string | readonly string[] | undefined;
    /** The version of the protocol: 13, the default, or 8. */
    protocolVersion?: number | undefined;
    /** The value of Origin. */
    origin?: string | undefined;
    headers?: { [key: string]: string } | undefined;
    auth?: string | undefined;
    agent?: Agent | undefined;
    host?: string | undefined;
    family?: number | undefined;
    localAddress?: string | undefined;
    servername?: string | undefined;
    rejectUnauthorized?: boolean | undefined;
    // Node passes a PeerCertificate, @types/ws declares CertMeta: listeners for either compile.
    // oxlint-disable-next-line typescript/no-explicit-any
    checkServerIdentity?(servername: string, certificate: any): boolean | Error | undefined;
    /** Follow responses 3xx that have a Location. Off by default. */
    followRedirects?: boolean | undefined;
    /** How many redirects to follow. Default 10. */
    maxRedirects?: number | undefined;
    /**
     * Ask over HTTP/2 (RFC 8441), on this session or, with `true`, on one that the clients of an origin share; over HTTP/1.1
     * where the peer does not offer that. Redirects are not followed there.
     */
    http2?: boolean | ClientHttp2Session | undefined;
    /** How long each opening request may take, in ms; 0, the default, for no limit. */
    handshakeTimeout?: number | undefined;
    /** Fills in the masking key of each frame; by default it is random. */
    generateMask?(mask: Buffer): void;
    finishRequest?: FinishRequestCallback | undefined;
    createConnection?: typeof createConnection | undefined;
    /** Gives up connecting when the signal is aborted. */
    signal?: AbortSignal | undefined;
  }

  export type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> = (info: {
    origin: string;
    secure: boolean;
    req: Request;
  }) => boolean;

  export type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> = (
    info: { origin: string; secure: boolean; req: Request },
    callback: (accepted: boolean, status?: number, message?: string, headers?: OutgoingHttpHeaders) => void,
  ) => void;

  export interface ServerOptions<
    T extends typeof WebSocketClass = typeof WebSocketClass,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > extends SharedOptions {
    host?: string | undefined;
    port?: number | undefined;
    backlog?: number | undefined;
    server?: HttpServer<U> | HttpsServer<U> | undefined;
    noServer?: boolean | undefined;
    /** The server takes only requests for this path; the query is not compared. */
    path?: string | undefined;
    /** Keep all open connections in `clients`. Default true. */
    clientTracking?: boolean | undefined;
    verifyClient?: VerifyClientCallbackAsync<InstanceType<U>> | VerifyClientCallbackSync<InstanceType<U>> | undefined;
    /** Chooses one of the subprotocols asked for; by default the first. */
    handleProtocols?: (protocols: Set<string>, request: InstanceType<U>) => string | false;
    WebSocket?: T | undefined;
    /** Origins that may connect; the server answers others, and requests without one, with 403. By default all may. */
    allowedOrigins?: readonly (string | undefined)[] | undefined;
    /** Demand all of RFC 6455 4.2.1, beyond the checks of `ws`. Default false. */
    strictHandshake?: boolean | undefined;
    /** How long a whole opening handshake may take on a server that owns its port, in ms. Default 10,000. */
    handshakeTimeout?: number | undefined;
    /** The server answers further connections with 503; 0, the default, for no limit. */
    maxConnections?: number | undefined;
    /**
     * With `port`: whether plain requests are read before node:http, where this Node lets that be, or after its parser.
     * Default: as the environment variable WSIMD_ACCEPT_PATH says, else 'direct'.
     */
    acceptPath?: 'direct' | 'http' | undefined;
    /** Closes the server when the signal is aborted. */
    signal?: AbortSignal | undefined;
  }

  /** The options of a server whose HTTP server speaks HTTP/2 (RFC 8441), or both versions. */
  export interface Http2ServerOptions<
    T extends typeof WebSocketClass = typeof WebSocketClass,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > extends Omit<ServerOptions<T, U>, 'server'> {
    server: Http2Server | Http2SecureServer;
  }

  /**
   * The options as a server shows them, typed for code that knows those of @types/ws. A preset appears as its options.
   */
  export interface KeptOptions<
    T extends typeof WebSocketClass = typeof WebSocketClass,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > extends Omit<ServerOptions<T, U>, 'perMessageDeflate'> {
    perMessageDeflate?: boolean | KeptDeflateOptions | undefined;
  }
  export interface KeptDeflateOptions extends Omit<
    PerMessageDeflateOptions,
    'serverMaxWindowBits' | 'clientMaxWindowBits' | 'zlibDeflateOptions'
  > {
    serverMaxWindowBits?: number | undefined;
    clientMaxWindowBits?: number | undefined;
    zlibDeflateOptions?: KeptZlibOptions | undefined;
  }
  export interface KeptZlibOptions extends Omit<ZlibOptions, 'dictionary'> {
    dictionary?: Buffer | Buffer[] | DataView | undefined;
  }

  export interface AddressInfo {
    address: string;
    family: string;
    port: number;
  }

  export interface DrainOptions {
    /** The close code; 1012, Service Restart, by default. */
    code?: number | undefined;
    /** At most 123 bytes as UTF-8. */
    reason?: string | undefined;
    /** Over how long the closes are spread, in ms; 10,000 by default. */
    window?: number | undefined;
    /** How long after the last close connections may take to end, before they are cut off, in ms; 30,000 by default. */
    timeout?: number | undefined;
  }

  export interface DrainCounts {
    /** Those whose closing handshake was done. */
    closed: number;
    /** Those that were lost or cut off. */
    cut: number;
  }

  export interface BroadcastOptions {
    /** Which connections get the message; by default all that are open. */
    readonly filter?: ((websocket: WebSocket) => boolean) | undefined;
    /** Whether the message is binary; by default, whether the data is not a string. */
    readonly binary?: boolean | undefined;
    /** Whether connections that agreed on compression get it compressed, once for all that can share that; false by default. */
    readonly compress?: boolean | undefined;
  }

  // ---- events

  export interface Event {
    type: string;
    target: WebSocket;
  }
  export interface ErrorEvent extends Event {
    // As in @types/ws: users read properties of it.
    // oxlint-disable-next-line typescript/no-explicit-any
    error: any;
    message: string;
  }
  export interface CloseEvent extends Event {
    wasClean: boolean;
    code: number;
    reason: string;
  }
  export interface MessageEvent extends Event {
    data: Data;
  }

  /** The events that listeners of addEventListener receive. */
  export interface WebSocketEventMap {
    open: Event;
    error: ErrorEvent;
    close: CloseEvent;
    message: MessageEvent;
  }
  export interface EventListenerOptions {
    once?: boolean | undefined;
  }

  /** The arguments that listeners of `on` receive. */
  export interface WebSocketEvents {
    close: [code: number, reason: Buffer];
    /** There is room again, after `needDrain` was true. */
    drain: [];
    error: [error: Error];
    message: [data: RawData, isBinary: boolean];
    open: [];
    ping: [data: Buffer];
    pong: [data: Buffer];
    redirect: [url: string, request: ClientRequest];
    'unexpected-response': [request: ClientRequest, response: IncomingMessage];
    upgrade: [response: IncomingMessage];
  }

  export interface ServerEvents<
    T extends typeof WebSocketClass = typeof WebSocketClass,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > {
    close: [];
    connection: [websocket: InstanceType<T>, request: InstanceType<U>];
    /** A peer's violation on a connection without a listener for 'error'. */
    connectionError: [error: Error, websocket: InstanceType<T>];
    error: [error: Error];
    headers: [headers: string[], request: InstanceType<U>];
    listening: [];
    wsClientError: [error: Error, socket: Duplex, request: InstanceType<U>];
  }

  // ---- the other exports of `ws`

  /** Takes upgrade requests from an HTTP server, its own or yours, and turns them into connections. */
  export class Server<
    T extends typeof WebSocketClass = typeof WebSocketClass,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > extends EventEmitter {
    /** Read at each request, so that a change takes effect with the next one. */
    options: KeptOptions<T, U>;
    path: string;
    /** All open connections; with `clientTracking: false` it is undefined. */
    clients: Set<InstanceType<T>>;

    /** Throws TypeError unless exactly one of port, server and noServer is given. */
    constructor(options?: ServerOptions<T, U> | Http2ServerOptions<T, U>, listening?: () => void);

    address(): AddressInfo | string | null;
    /** Takes no more connections, and emits 'close' when the open ones have ended. */
    close(callback?: (error?: Error) => void): void;
    /** Answers an upgrade request (RFC 6455 4.2); the callback is not called when it is refused. */
    handleUpgrade(
      request: InstanceType<U>,
      socket: Duplex,
      upgradeHead: Buffer,
      callback: (client: InstanceType<T>, request: InstanceType<U>) => void,
    ): void;
    /**
     * Answers a request for a WebSocket over HTTP/2, an extended CONNECT (RFC 8441 5), with the arguments of the 'stream' event of a
     * server that was made with the setting `enableConnectProtocol`; the callback is not called when it is refused.
     */
    handleConnect(
      stream: ServerHttp2Stream,
      headers: IncomingHttpHeaders,
      callback: (client: InstanceType<T>, request: Http2ServerRequest) => void,
    ): void;
    /** Whether a request is for this server; meant to be overridden. */
    shouldHandle(request: InstanceType<U>): boolean | Promise<boolean>;
    /** Sends one message to every open connection that `filter` lets through; its frame is made once. */
    broadcast(data: Exclude<Sendable, Blob | NodeBlob>, options?: BroadcastOptions): void;
    /**
     * Takes no more connections (503 with Retry-After) and closes the open ones, spread evenly over `window`; resolves with how
     * many were `closed` by their closing handshake, and how many were `cut`.
     */
    drain(options?: DrainOptions): Promise<DrainCounts>;

    on<E extends keyof ServerEvents>(event: E, listener: Listener<Server<T>, ServerEvents<T, U>[E]>): this;
    on(event: string | symbol, listener: AnyListener<Server<T>>): this;
    once<E extends keyof ServerEvents>(event: E, listener: Listener<Server<T>, ServerEvents<T, U>[E]>): this;
    once(event: string | symbol, listener: AnyListener<Server<T>>): this;
    off<E extends keyof ServerEvents>(event: E, listener: Listener<Server<T>, ServerEvents<T, U>[E]>): this;
    off(event: string | symbol, listener: AnyListener<Server<T>>): this;
    addListener<E extends keyof ServerEvents>(event: E, listener: Listener<Server<T>, ServerEvents<T, U>[E]>): this;
    addListener(event: string | symbol, listener: AnyListener<Server<T>>): this;
    removeListener<E extends keyof ServerEvents>(event: E, listener: Listener<Server<T>, ServerEvents<T, U>[E]>): this;
    removeListener(event: string | symbol, listener: AnyListener<Server<T>>): this;
  }
  export { Server as WebSocketServer };

  /** Wraps a WebSocket in a stream: each message becomes a chunk to read, each written chunk a message. */
  export function createWebSocketStream(websocket: WebSocket, options?: DuplexOptions): Duplex;

  /** Parses the bytes written to it and emits the peer's 'message', 'ping', 'pong' and 'conclude'. */
  export class Receiver extends Writable {
    constructor(options?: {
      allowSynchronousEvents?: boolean | undefined;
      binaryType?: WebSocket['binaryType'] | undefined;
      extensions?: Record<string, unknown> | undefined;
      isServer?: boolean | undefined;
      maxBufferedChunks?: number | undefined;
      maxFragments?: number | undefined;
      maxPayload?: number | undefined;
      skipUTF8Validation?: boolean | undefined;
    });
  }

  /** Writes frames to a socket, in the order they were sent. */
  export class Sender {
    constructor(socket: Duplex, extensions?: Record<string, unknown>, generateMask?: (mask: Buffer) => void);
    /** Makes a frame of `data`: the header and the data, or one buffer with both. */
    static frame(
      data: Uint8Array | string,
      options: {
        fin: boolean;
        opcode: number;
        rsv1: boolean;
        mask: boolean;
        readOnly: boolean;
        maskBuffer?: Buffer | undefined;
        generateMask?: ((mask: Buffer) => void) | undefined;
      },
    ): Buffer[];
    close(code?: number, reason?: string | Buffer, mask?: boolean, callback?: (error?: Error | null) => void): void;
    ping(data: Sendable, mask: boolean, callback?: (error?: Error | null) => void): void;
    pong(data: Sendable, mask: boolean, callback?: (error?: Error | null) => void): void;
    send(data: Sendable, options: Required<MessageOptions>, callback?: (error?: Error | null) => void): void;
    sendFrame(list: readonly Uint8Array[], callback?: (error?: Error | null) => void): void;
  }

  /** Negotiates permessage-deflate (RFC 7692), and compresses and decompresses messages. */
  export class PerMessageDeflate {
    static readonly extensionName: 'permessage-deflate';
    readonly params: Record<string, unknown> | null;
    constructor(options?: PerMessageDeflateOptions & { isServer?: boolean; maxPayload?: number });
    offer(): Record<string, unknown>;
    accept(configurations: Record<string, unknown[]>[]): Record<string, unknown>;
    cleanup(): void;
    compress(data: Uint8Array, fin: boolean, callback: (error: Error | null, data?: Buffer) => void): void;
    decompress(data: Uint8Array, fin: boolean, callback: (error: Error | null, data?: Buffer) => void): void;
  }

  /** Sec-WebSocket-Extensions (RFC 6455 9.1). */
  export const extension: {
    parse(header: string): Record<string, Record<string, (string | true)[]>[]>;
    format(extensions: Record<string, unknown>): string;
  };

  /** Sec-WebSocket-Protocol (RFC 6455 11.3.4). */
  export const subprotocol: { parse(header: string): Set<string> };
}

export = WebSocket;
