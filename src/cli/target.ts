// `targetOf` and `listenAddress` parse addresses to connect to and to listen on; `listenOn` makes a server listen.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { unescape } from 'node:querystring';
import type { ConnectionOptions } from 'node:tls';
import { CommandError, wordsOf } from './command-error.js';

/** How long a server may take to answer the opening request, in ms. */
export const HANDSHAKE_TIMEOUT = 10_000;

/** Where a server listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** A server to connect to. */
export interface Target {
  /** As the user has given it, with its scheme and without user and password, for reports. */
  readonly given: string;
  /** Without a path: `ws://127.0.0.1:9001`. */
  readonly url: string;
  readonly origin: string;
  /** With the port, if that is not the usual one. */
  readonly authority: string;
  /** The field Authorization for the user and password of the URL; undefined if it has neither. */
  readonly authorization: string | undefined;
  readonly connection: { readonly host: string; readonly port: number };
  /** The options of TLS; undefined to connect without it. */
  readonly tls: ConnectionOptions | undefined;
}

/**
 * Parses an address to listen on.
 * @throws CommandError for an invalid address
 */
export function listenAddress(name: string, text: string): Place {
  const [, bracketed, host, port] = /^(?:\[([\da-f:.]+)\]:|([^:/[\]]+):)?(\d+)$/i.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) {
    throw new CommandError(`${name} is a port, such as 9000, or HOST:PORT, not ${JSON.stringify(text)}.`);
  }
  return { host: bracketed ?? host ?? '127.0.0.1', port: Number(port) };
}

/**
 * Makes a server listen.
 * @param option the argument that gives the port, for the error
 * @returns the port
 * @throws CommandError if the address is not available
 */
export async function listenOn(server: Server, { host, port }: Place, option: string): Promise<number> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    throw new CommandError(`Cannot listen on ${host}, port ${port}: ${wordsOf(error)}.${hintOfPort(error, option)}`);
  }
  return (server.address() as AddressInfo).port;
}

/** Returns what to do about an error of listening, if another port may help; '' for another error. */
export function hintOfPort(error: unknown, option: string): string {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  return ['EADDRINUSE', 'EACCES'].includes(code) ? ` Give ${option} another port; 0 is any free one.` : '';
}

/**
 * Parses the URL of a server.
 * @param name the name of the argument, for the error
 * @throws CommandError for an invalid URL
 */
export function targetOf(name: string, text: string, isInsecure = false): Target & { readonly path: string } {
  if (/^(?!localhost$)[a-z][\w-]*$/i.test(text)) {
    throw new CommandError(
      `${name} is an address such as ws://127.0.0.1:9001, not "${text}"; a host of this name is given as ws://${text}.`,
    );
  }
  // A port without a host is a port of this machine.
  const place = text.replace(/^\d+(?=[/?#]|$)/, '127.0.0.1:$&');
  const given = (/^[a-z][a-z\d+.-]*:\/\//i.test(place) ? place : `ws://${place}`).replace(/^http/i, 'ws');
  const url = URL.canParse(given) ? new URL(given) : undefined;
  // Such as ws+unix:/path, whose scheme would pass for a host.
  const isOther = /^[^/]*:\/(?!\/)/.test(text);
  if (url === undefined || !/^wss?:$/.test(url.protocol) || url.hostname === '' || isOther) {
    throw new CommandError(`${name} is an address such as ws://127.0.0.1:9001, not ${JSON.stringify(text)}.`);
  }
  // RFC 6455 3: fragment identifiers are meaningless here and must not be used
  if (url.hash !== '') throw new CommandError(`${name} takes no fragment: leave ${url.hash} out, or write # as %23.`);
  const isSecure = url.protocol === 'wss:';
  if (isInsecure && !isSecure) throw new CommandError('--insecure is for wss.');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const user = `${unescape(url.username)}:${unescape(url.password)}`;
  // RFC 6066 3: the server name of TLS is not an IP address.
  const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
  return {
    given: given.replace(/\/\/[^/?#\\]*@/, '//'),
    url: `${url.protocol}//${url.host}`,
    origin: `${isSecure ? 'https' : 'http'}://${url.host}`,
    path: url.pathname + url.search,
    authority: url.host,
    authorization: user === ':' ? undefined : `Basic ${Buffer.from(user).toString('base64')}`,
    connection: { host, port: Number(url.port || (isSecure ? 443 : 80)) },
    tls: isSecure ? { ...servername, rejectUnauthorized: !isInsecure } : undefined,
  };
}
