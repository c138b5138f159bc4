// `requestStream` sends the opening request of a client over an HTTP/2 session, the caller's or a shared one (RFC 8441 5).
import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import type { Destination } from '../client-address.js';
import { requestOptions, type ClientOptions, type ConnectionOptions } from '../client-options.js';
import { shareSession, type SessionUse } from './sessions.js';
import { StreamRequest, type StreamOutcome } from './stream-request.js';

/** Options of trust and connection: clients share a session where all of them are the same. */
// prettier-ignore
const IDENTITY = [
  'allowPartialTrustChain', 'ca', 'cert', 'checkServerIdentity', 'ciphers', 'clientCertEngine', 'createConnection', 'crl',
  'ecdhCurve', 'family', 'key', 'localAddress', 'localPort', 'lookup', 'maxVersion', 'minDHSize', 'minVersion', 'passphrase',
  'pfx', 'privateKeyEngine', 'privateKeyIdentifier', 'pskCallback', 'rejectUnauthorized', 'secureContext', 'secureOptions',
  'secureProtocol', 'servername', 'sigalgs',
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
  return new StreamRequest(() => useOf(destination, options), headers, outcome);
}

function hostOf(headers: Record<string, unknown>): string | undefined {
  const name = Object.keys(headers).find((each) => each.toLowerCase() === 'host');
  return name === undefined ? undefined : String(headers[name]);
}

function useOf(destination: Destination, options: Readonly<ClientOptions>): SessionUse {
  const { isSecure, socketPath, url } = destination;
  if (options.http2 !== true) {
    const session = options.http2 as ClientHttp2Session;
    return { session, isShared: false, take: () => true, leave() {} };
  }
  const origin = socketPath === undefined ? `${isSecure ? 'https' : 'http'}://${url.host}` : 'http://localhost';
  const identity = [...IDENTITY.map((name) => (options as Record<string, unknown>)[name]), socketPath];
  return shareSession(origin, identity, () => {
    // Without the signal and the timeout of one client, since others share the session.
    const init = { ...requestOptions(options, destination, [], undefined), path: undefined } as ConnectionOptions;
    const own = isSecure ? { ...init, ALPNProtocols: ['h2'] } : init;
    const connect = (own as unknown as Required<Pick<ClientOptions, 'createConnection'>>).createConnection;
    const socket = connect(own, () => {});
    if (!socket) throw new TypeError('Over HTTP/2, the "createConnection" option must return a stream');
    return socket;
  });
}
