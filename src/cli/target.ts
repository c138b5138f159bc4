// `targetOf` and `listenAddress` parse the address that a command connects to, and the one that it listens on.
import type { ConnectionOptions } from 'node:tls';
import { CommandError } from './command-error.js';

/** A server to connect to. */
export interface Target {
  /** Without a path: `ws://127.0.0.1:9001`. */
  readonly url: string;
  readonly origin: string;
  /** With the port, if that is not the usual one. */
  readonly authority: string;
  readonly connection: { readonly host: string; readonly port: number };
  /** The options of TLS; undefined to connect without it. */
  readonly tls: ConnectionOptions | undefined;
}

/**
 * Parses an address to listen on.
 * @throws CommandError for an invalid address
 */
export function listenAddress(name: string, text: string): { host: string; port: number } {
  const [, bracketed, host, port] = /^(?:\[([\da-f:.]+)\]:|([^:/[\]]+):)?(\d+)$/i.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) {
    throw new CommandError(`${name} is a port, such as 9000, or HOST:PORT, not ${JSON.stringify(text)}.`);
  }
  return { host: bracketed ?? host ?? '127.0.0.1', port: Number(port) };
}

const SCHEMES: Readonly<Record<string, 'ws' | 'wss'>> = { 'ws:': 'ws', 'wss:': 'wss', 'http:': 'ws', 'https:': 'wss' };

/**
 * Parses the URL of a server.
 * @param name the name of the argument, for the error
 * @throws CommandError for an invalid URL
 */
export function targetOf(name: string, text: string, isInsecure: boolean): Target & { readonly path: string } {
  if (/^(?!localhost$)[a-z][\w-]*$/i.test(text)) {
    throw new CommandError(
      `${name} is a URL such as ws://127.0.0.1:9001, not "${text}"; a host of this name is given as ws://${text}.`,
    );
  }
  // A port alone is a port of this machine.
  const place = /^\d+$/.test(text) ? `127.0.0.1:${text}` : text;
  const given = /^[a-z][a-z\d+.-]*:\/\//i.test(place) ? place : `ws://${place}`;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const scheme = SCHEMES[url?.protocol ?? ''];
  if (url === undefined || scheme === undefined || url.hostname === '') {
    throw new CommandError(`${name} is a URL such as ws://127.0.0.1:9001, not ${JSON.stringify(text)}.`);
  }
  const isSecure = scheme === 'wss';
  if (isInsecure && !isSecure) throw new CommandError('--insecure is for wss.');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  // RFC 6066 3: the server name of TLS is not an IP address.
  const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
  return {
    url: `${scheme}://${url.host}`,
    origin: `${isSecure ? 'https' : 'http'}://${url.host}`,
    path: url.pathname + url.search,
    authority: url.host,
    connection: { host, port: Number(url.port) || (isSecure ? 443 : 80) },
    tls: isSecure ? { ...servername, rejectUnauthorized: !isInsecure } : undefined,
  };
}
