// `requestStream` sends the opening request of a client over an HTTP/2 session, the caller's or a shared one (RFC 8441 5).
import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import type { Destination } from '../client-address.js';
import { connectNet, connectTls, type ClientOptions, type ConnectionOptions } from '../client-options.js';
import { shareSession, type SessionUse } from './sessions.js';
import { StreamRequest, type StreamOutcome } from './stream-request.js';

/** Options of trust and connection: clients share a session where all of them are the same. */
// prettier-ignore
const IDENTITY = [
  'ca', 'cert', 'checkServerIdentity', 'ciphers', 'createConnection', 'crl', 'family', 'key', 'localAddress', 'lookup',
  'maxVersion', 'minVersion', 'passphrase', 'pfx', 'rejectUnauthorized', 'secureContext', 'servername',
] as const;

/**
 * Requests a WebSocket at a destination.
 * @param fields the fields of the handshake, by lower-case name
 * @param auth `user:password` for a field Authorization, unless there is one
 */
export function requestStream(
  destination: Destination,
  options: Readonly<ClientOptions>,
  fields: Record<string, string | string[]>,
  auth: string | undefined,
  outcome: StreamOutcome,
): StreamRequest {
  const { isSecure, path } = destination;
  const authority = options.headers && hostOf(options.headers as Record<string, unknown>);
  const headers: OutgoingHttpHeaders = {
    ...(auth !== undefined && { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }),
    ...fields,
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': isSecure ? 'https' : 'http',
    // A Unix socket has no host; HTTP/1.1 uses this name too.
    ':authority': authority ?? (destination.url.host || 'localhost'),
    ':path': path || '/',
  };
  return new StreamRequest(useOf(destination, options), headers, outcome);
}

function hostOf(headers: Record<string, unknown>): string | undefined {
  const name = Object.keys(headers).find((each) => each.toLowerCase() === 'host');
  return name === undefined ? undefined : String(headers[name]);
}

function useOf(destination: Destination, options: Readonly<ClientOptions>): SessionUse {
  const { isSecure, host, port, socketPath, url } = destination;
  if (options.http2 !== true) return { session: options.http2 as ClientHttp2Session, leave() {} };
  const origin = socketPath === undefined ? `${isSecure ? 'https' : 'http'}://${url.host}` : 'http://localhost';
  const identity = [...IDENTITY.map((name) => options[name]), socketPath];
  return shareSession(origin, identity, () => {
    const own = { ...(options as object), host, port: Number(port), socketPath, path: undefined } as ConnectionOptions;
    const through = options.createConnection as
      ((options: ConnectionOptions) => ReturnType<typeof connectNet>) | undefined;
    if (!isSecure) return (through ?? connectNet)(own);
    return (through ?? connectTls)({ ...own, ALPNProtocols: ['h2'] } as ConnectionOptions);
  });
}
