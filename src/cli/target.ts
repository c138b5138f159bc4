// `targetOf` and `listenAddress` read where a command connects to, and where it listens.
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
  /** How to connect by TLS; undefined for plain text. */
  readonly tls: ConnectionOptions | undefined;
}

/**
 * The address that LISTEN says.
 * @throws CommandError
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
 * The server that a URL names.
 * @param name how the command calls it, for the sentence
 * @throws CommandError
 */
export function targetOf(name: string, text: string, isInsecure: boolean): Target & { readonly path: string } {
  // A port alone is one of this machine.
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
  // A name of an address cannot be asked for (RFC 6066 3).
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
