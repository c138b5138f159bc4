// `parseAddress` turns a caller's address, or a server's Location, into a host, a port and a path (RFC 6455 3).
import { unescape } from 'node:querystring';
import { URL } from 'node:url';

/** The destination of one opening request. */
export interface Destination {
  /** The URL with the scheme ws:, wss: or ws+unix:, as `websocket.url` shows it. */
  readonly url: URL;
  /** Whether the connection uses TLS. */
  readonly isSecure: boolean;
  /** A name, or an IP address without brackets; '' for an IPC path. */
  readonly host: string;
  /** A string where the URL gives a port, as in `ws`. */
  readonly port: number | string;
  /** The port that the Host field may omit. */
  readonly defaultPort: number;
  /** Path and query, percent-encoded. */
  readonly path: string;
  /** The path of the IPC socket. */
  readonly socketPath: string | undefined;
  /** `user:password`, percent-decoded; undefined if the URL has neither. */
  readonly auth: string | undefined;
}

/**
 * Reads an address; the given object is not changed.
 * @param base the address that a relative one starts from
 * @throws SyntaxError, in the words of `ws`
 */
export function parseAddress(address: string | URL, base?: URL): Destination {
  let url: URL;
  try {
    url = new URL(address, base);
  } catch {
    throw new SyntaxError(`Invalid URL: ${String(address)}`);
  }
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';

  const isSecure = url.protocol === 'wss:';
  const isIpc = url.protocol === 'ws+unix:';
  if (!isSecure && !isIpc && url.protocol !== 'ws:') {
    throw new SyntaxError('The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"');
  }
  const target = url.pathname + url.search;
  const { socketPath, path } = isIpc ? splitIpc(target) : { socketPath: undefined, path: target };
  // Deviation from ws (D13): "ws+unix::/path" names no socket and is refused; ws connects to port 80 of this machine.
  if (socketPath === '') throw new SyntaxError("The URL's pathname is empty");
  // RFC 6455 3: fragment identifiers are meaningless here and must not be used
  if (url.hash !== '') throw new SyntaxError('The URL contains a fragment identifier');

  const defaultPort = isSecure ? 443 : 80;
  return {
    url,
    isSecure,
    host: url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname,
    port: url.port || defaultPort,
    defaultPort,
    path,
    socketPath,
    auth: url.username || url.password ? `${unescape(url.username)}:${unescape(url.password)}` : undefined,
  };
}

/** The first ':' separates the path of the socket from the path of the request. */
function splitIpc(target: string): { socketPath: string; path: string } {
  const colon = target.indexOf(':');
  return colon < 0
    ? { socketPath: target, path: '' }
    : { socketPath: target.slice(0, colon), path: target.slice(colon + 1) };
}

/** Whether secrets for one destination may go to the other: same host and port, or same IPC path. */
export function isSamePeer(one: Destination, other: Destination): boolean {
  return one.url.host === other.url.host && one.socketPath === other.socketPath;
}
