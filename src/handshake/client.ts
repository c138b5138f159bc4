// `createRequest` writes a client's opening request, and `judgeResponse` reads the server's answer (RFC 6455 4.1).
import { checkList, checkObject, checkObjects, checkText, refuse } from '../errors/usage-error.js';
import { parseExtensions } from '../extensions/grammar.js';
import {
  PERMESSAGE_DEFLATE,
  judgeDeflateResponse,
  type DeflateAgreement,
  type DeflateOptions,
} from '../extensions/permessage-deflate.js';
import { acceptKey, isKey } from './accept.js';
import { fieldLine, joinHead, listsToken, textOf, usage, type Fields } from './field.js';
import { areSubprotocols } from './subprotocol.js';

const VERSIONS: readonly number[] = [8, 13];

export interface RequestOptions {
  /** 16 random bytes in base64, never used before (RFC 6455 4.1). */
  readonly key: string;
  /** 13, the default, or 8. */
  readonly version?: number | undefined;
  readonly protocols?: readonly string[] | undefined;
  /** The text of the Sec-WebSocket-Extensions header; none if undefined or empty. */
  readonly extensions?: string | undefined;
  readonly origin?: string | undefined;
  /** Additional fields, an array for several of one name, any other value as text; fields of the handshake win. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

/** Header fields in the order in which they are sent. */
export type HeaderList = [name: string, value: string][];

/**
 * The header fields of an opening request, without Host, in the order of `ws` (RFC 6455 4.1).
 * @throws RangeError for a version other than 8 and 13; SyntaxError for a subprotocol that is not a token or is repeated;
 *   TypeError for a key that is not 16 bytes in base64, and for a name or value that cannot be in a head; UsageError for
 *   options that are not an object
 */
export function createRequest(options: RequestOptions): HeaderList {
  checkObject('Options are', options);
  const { key, headers = {} } = options;
  // The fields of a Headers or a Map are no properties of it.
  if (typeof headers !== 'object' || Symbol.iterator in (headers ?? {})) {
    refuse('Headers are an object, by their names', headers);
  }
  return requestFields(options, (set) => {
    if (!isKey(key)) throw new TypeError('The key must be 16 bytes in base64');
    set('Sec-WebSocket-Key', key);
    set('Connection', 'Upgrade');
    set('Upgrade', 'websocket');
  });
}

/**
 * The fields of an opening request: those of the caller, the version, those that `more` sets, and the offers.
 * @throws as `createRequest`
 */
export function requestFields(
  options: Omit<RequestOptions, 'key'>,
  more: (set: (name: string, value: string) => void) => void,
): HeaderList {
  const { version = 13, protocols = [], extensions, origin, headers } = options;
  if (!VERSIONS.includes(version)) {
    throw new RangeError(`Unsupported protocol version: ${version} (supported versions: ${VERSIONS.join(', ')})`);
  }
  checkList('Subprotocols are', protocols);
  if (!areSubprotocols(protocols)) throw new SyntaxError('An invalid or duplicated subprotocol was specified');

  const fields = new Map<string, HeaderList>();
  const set = (name: string, value: unknown): void => {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    // Unlike String(), this throws for a Symbol.
    const texts = values.map((value) => ''.concat(value as string));
    for (const text of texts) fieldLine(name, text);
    fields.set(
      name.toLowerCase(),
      texts.map((text) => [name, text]),
    );
  };
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value !== undefined) set(name, value);
  }
  set('Sec-WebSocket-Version', String(version));
  more(set);
  if (extensions) {
    checkText('Sec-WebSocket-Extensions is', extensions);
    set('Sec-WebSocket-Extensions', extensions);
  }
  if (protocols.length > 0) set('Sec-WebSocket-Protocol', protocols.join(','));
  if (origin) set(version < 13 ? 'Sec-WebSocket-Origin' : 'Origin', origin);
  return [...fields.values()].flat();
}

/**
 * The head of an opening request, for users with a transport of their own.
 * @param target the path and query of the URL, percent-encoded
 * @param host the Host field: the URL's host, and its port unless that is the scheme's default
 * @throws TypeError for a target or a field that cannot be in a head; UsageError for values of another kind
 */
export function writeRequest(target: string, host: string, headers: HeaderList): string {
  checkText('The target is', target);
  checkObjects('Headers are', headers);
  if (!/^[!-~]+$/.test(target)) throw usage('ERR_UNESCAPED_CHARACTERS', 'Request path contains unescaped characters');
  const fields: HeaderList = [['Host', host], ...headers];
  return joinHead([`GET ${target} HTTP/1.1`, ...fields.map(([name, value]) => fieldLine(name, value))]);
}

/** The members of a response that are used; `http.IncomingMessage` fits. */
export interface HandshakeResponse {
  readonly statusCode?: number | undefined;
  /** Fields by lower-case name. */
  readonly headers: Fields;
}

/** The client's offers, which a response must match. */
export interface Expectation {
  readonly key: string;
  readonly protocols?: readonly string[] | undefined;
  /** The options with which permessage-deflate was offered; undefined if it was not. */
  readonly deflate?: DeflateOptions | undefined;
}

export interface Agreement {
  readonly agreed: true;
  /** The agreed subprotocol, or ''. */
  readonly protocol: string;
  /** The agreement on permessage-deflate; undefined if it is not used. */
  readonly deflate: DeflateAgreement | undefined;
}

/** Why the client fails the connection, in the words of `ws`. */
export interface HandshakeFailure {
  readonly agreed: false;
  readonly message: string;
}

/**
 * Judges the server's response to an opening request (RFC 6455 4.1, the client's points 1-6 after the request).
 * @throws UsageError when `response`, its headers or `expectation` is not an object
 */
export function judgeResponse(response: HandshakeResponse, expectation: Expectation): Agreement | HandshakeFailure {
  checkObject('A response is', response);
  const { headers } = response;
  checkObject('The headers of a response are', headers);
  checkObject('An expectation is', expectation);
  if (response.statusCode !== 101) return failure(`Unexpected server response: ${response.statusCode}`);
  if (textOf(headers.upgrade)?.toLowerCase() !== 'websocket') return failure('Invalid Upgrade header');
  if (!listsToken(textOf(headers.connection) ?? '', 'upgrade')) return failure('Invalid Connection header');
  if (textOf(headers['sec-websocket-accept']) !== acceptKey(expectation.key)) {
    return failure('Invalid Sec-WebSocket-Accept header');
  }

  return judgeAgreement(headers, expectation);
}

/** Judges the subprotocol and the extensions of a response that opens the connection. */
export function judgeAgreement(headers: Fields, expectation: Omit<Expectation, 'key'>): Agreement | HandshakeFailure {
  const { protocols = [] } = expectation;
  checkList('Subprotocols are', protocols);
  const protocol = textOf(headers['sec-websocket-protocol']);
  if (protocol !== undefined) {
    if (protocols.length === 0) return failure('Server sent a subprotocol but none was requested');
    if (!protocols.includes(protocol)) return failure('Server sent an invalid subprotocol');
  } else if (protocols.length > 0) {
    // Deviation from RFC 6455 4.1: a server may choose none; a client that offered some, like one of ws, then fails.
    return failure('Server sent no subprotocol');
  }

  const deflate = judgeExtensions(textOf(headers['sec-websocket-extensions']), expectation.deflate);
  return typeof deflate === 'string' ? failure(deflate) : { agreed: true, protocol: protocol ?? '', deflate };
}

/** The agreement on permessage-deflate, or the text of the failure. */
function judgeExtensions(
  text: string | undefined,
  offered: DeflateOptions | undefined,
): DeflateAgreement | string | undefined {
  if (text === undefined) return undefined;
  // RFC 6455 4.1, point 5: an extension that was not offered
  if (offered === undefined) {
    return 'Server sent a Sec-WebSocket-Extensions header but no extension was requested';
  }
  const { value: extensions } = parseExtensions(text);
  if (extensions === undefined) return 'Invalid Sec-WebSocket-Extensions header';
  if (extensions.some(({ name }) => name !== PERMESSAGE_DEFLATE)) {
    return 'Server indicated an extension that was not requested';
  }
  // Deviation from ws (D7): an extension accepted twice for one offer is a failure; ws takes the first.
  if (extensions.length > 1) return 'Invalid Sec-WebSocket-Extensions header';
  const { value: agreement } = judgeDeflateResponse(extensions[0].params, offered);
  return agreement ?? 'Invalid Sec-WebSocket-Extensions header';
}

export function failure(message: string): HandshakeFailure {
  return { agreed: false, message };
}
