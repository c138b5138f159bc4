// `judgeRequest` accepts or refuses a client's opening request; the functions beside it write the answer (RFC 6455 4.2).
import { checkObject, checkText } from '../errors/usage-error.js';
import { parseExtensions, type ExtensionOffer } from '../extensions/grammar.js';
import { isToken } from '../extensions/token.js';
import { acceptKey, isKey, type Digest } from './accept.js';
import { countRaw, fieldLine, joinHead, listsToken, textOf, usage, type FieldValue, type Fields } from './field.js';
import { reasonOf } from './status.js';
import { parseSubprotocols } from './subprotocol.js';

/** The members of a request that are used; `http.IncomingMessage` fits, and a plain object with `method` and `headers`. */
export interface HandshakeRequest {
  readonly method?: string | undefined;
  readonly httpVersion?: string | undefined;
  /** Fields by lower-case name. */
  readonly headers: Fields;
  /** Names and values alternately, as they were sent; anything else, as in some test doubles and proxies, is ignored. */
  readonly rawHeaders?: readonly unknown[] | undefined;
}

export interface JudgeRequestOptions {
  // Deviation from ws (D3): when strict, HTTP/1.1, Connection, a Host, and `13` or `8` to the letter count too.
  /** Whether to require all of RFC 6455 4.2.1, or only the part that `ws` checks. Default false. */
  readonly strict?: boolean | undefined;
  /** Whether to read the extensions header; without extensions to accept, `ws` does not. Default false. */
  readonly extensions?: boolean | undefined;
}

/** Why a request is refused: `message` is the text of the error and the response's body. */
export interface Refusal {
  readonly accepted: false;
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request whose head properly asks for a WebSocket; its offers have not been read yet. */
export interface Opening {
  readonly accepted: true;
  readonly key: string;
  readonly version: 8 | 13;
  /** The Origin, which version 8 calls Sec-WebSocket-Origin. */
  readonly origin: string | undefined;
}

/** A request that may be answered with 101. */
export interface Acceptance extends Opening {
  /** The offered subprotocols, the preferred one first. */
  readonly protocols: ReadonlySet<string>;
  /** The offered extensions, the preferred one first; empty when they are not read. */
  readonly offers: readonly ExtensionOffer[];
}

/**
 * Judges a whole request; a server with several paths calls the two halves and checks the path between them.
 * @throws UsageError when `request` or its headers are not an object
 */
export function judgeRequest(request: HandshakeRequest, options: JudgeRequestOptions = {}): Acceptance | Refusal {
  checkObject('A request is', request);
  checkObject('The headers of a request are', request.headers);
  checkObject('Options are', options);
  const opening = judgeOpening(request, options);
  return opening.accepted ? judgeOffers(request, opening, options) : opening;
}

/** The first half: the method, the key, the version, and that only a WebSocket can follow. */
export function judgeOpening(request: HandshakeRequest, options: JudgeRequestOptions = {}): Opening | Refusal {
  const { headers } = request;
  const strict = options.strict === true;

  // RFC 6455 4.2.1, point 1: a GET request, and HTTP/1.1 or higher
  if (request.method !== 'GET') return refusal(405, 'Invalid HTTP method');
  if (strict && request.httpVersion !== '1.1') return refusal(400, 'Invalid HTTP version');

  // RFC 6455 4.2.1, points 3 and 4
  if (!asksForWebSocket(textOf(headers.upgrade), strict)) return refusal(400, 'Invalid Upgrade header');
  if (strict && !listsToken(textOf(headers.connection) ?? '', 'upgrade')) {
    return refusal(400, 'Invalid Connection header');
  }

  // RFC 6455 4.2.1, point 5: 16 bytes in base64
  const key = textOf(headers['sec-websocket-key']);
  if (key === undefined || !isKey(key)) {
    return refusal(400, 'Missing or invalid Sec-WebSocket-Key header');
  }

  // RFC 6455 4.2.1, point 6, and 4.4: an unsupported version is answered with the supported ones
  const version = versionOf(headers['sec-websocket-version'], strict);
  if (version === undefined) {
    return refusal(400, 'Missing or invalid Sec-WebSocket-Version header', { 'Sec-WebSocket-Version': '13, 8' });
  }

  // RFC 6455 4.2.1, point 2: one Host when strict. Deviation from ws (D3): two are refused always (RFC 7230 5.4).
  const hosts = countHosts(request);
  if (hosts > 1 || (strict && hosts === 0)) return refusal(400, 'Missing or invalid Host header');

  // Deviation from ws (D3): a request with a body is refused; ws answers 101 and reads the body as frames.
  if (announcesBody(headers)) return refusal(400, 'Request must not have a body');

  const origin = textOf(headers[version === 8 ? 'sec-websocket-origin' : 'origin']);
  return { accepted: true, key, version, origin };
}

/** The second half: the subprotocols and extensions that the client offers. */
export function judgeOffers(
  { headers }: Pick<HandshakeRequest, 'headers'>,
  opening: Opening,
  options: JudgeRequestOptions = {},
): Acceptance | Refusal {
  const protocolText = textOf(headers['sec-websocket-protocol']);
  const protocols = protocolText === undefined ? { value: new Set<string>() } : parseSubprotocols(protocolText);
  if (protocols.value === undefined) return refusal(400, 'Invalid Sec-WebSocket-Protocol header');

  const extensionText = options.extensions === true ? textOf(headers['sec-websocket-extensions']) : undefined;
  const offers = extensionText === undefined ? { value: [] } : parseExtensions(extensionText);
  if (offers.value === undefined) return refusal(400, 'Invalid or unacceptable Sec-WebSocket-Extensions header');

  const { key, version, origin } = opening;
  return { accepted: true, key, version, origin, protocols: protocols.value, offers: offers.value };
}

function asksForWebSocket(upgrade: string | undefined, strict: boolean): boolean {
  if (upgrade === undefined) return false;
  // Deviation from ws (D3): when strict, a list that contains websocket is accepted, as in RFC 6455 4.2.1.
  return strict ? listsToken(upgrade, 'websocket') : upgrade.toLowerCase() === 'websocket';
}

/** The supported version that a request asks for: as a number or, when strict, to the letter. */
export function versionOf(value: Fields[string], strict: boolean): 8 | 13 | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  if (strict && text !== '13' && text !== '8') return undefined;
  const version = Number(text);
  return version === 13 || version === 8 ? version : undefined;
}

function countHosts({ headers, rawHeaders }: HandshakeRequest): number {
  // A parser that keeps only the first Host, like Node's, shows the second in `rawHeaders`.
  const raw = Array.isArray(rawHeaders) ? countRaw(rawHeaders, 'host') : 0;
  return raw === 0 && headers.host !== undefined ? 1 : raw;
}

/** Whether a body would follow the head of a request. */
export function announcesBody(headers: Fields): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  const length = textOf(headers['content-length']);
  return length !== undefined && !/^0+$/.test(length);
}

export function refusal(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Refusal {
  return { accepted: false, status, message, headers };
}

/** The content of a server's 101. */
export interface AcceptanceAnswer {
  readonly key: string;
  /** The chosen subprotocol; none if undefined or empty. */
  readonly protocol?: string | undefined;
  /** The text of the Sec-WebSocket-Extensions header; none if undefined or empty. */
  readonly extensions?: string | undefined;
  /** The platform's SHA-1, in base64; this library's own if undefined. */
  readonly digest?: Digest | undefined;
}

/**
 * The lines of a 101 response, which may be changed before `joinHead` makes them a head (RFC 6455 4.2.2).
 * @throws TypeError (`ERR_INVALID_CHAR`) for a subprotocol that is not a token; UsageError when `answer` is not an object
 */
export function acceptanceLines(answer: AcceptanceAnswer): string[] {
  checkObject('An answer is', answer);
  const { key, protocol, extensions, digest } = answer;
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptKey(key, digest)}`,
  ];
  if (protocol) {
    checkText('The subprotocol is', protocol);
    if (!isToken(protocol)) throw usage('ERR_INVALID_CHAR', `Invalid subprotocol [${JSON.stringify(protocol)}]`);
    lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  }
  if (extensions) lines.push(fieldLine('Sec-WebSocket-Extensions', extensions));
  return lines;
}

/** The length of `text` in UTF-8, in bytes. */
function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return length;
}

/**
 * The lines of a response that refuses a request, without the status, by lower-case name, and its body.
 * @param body the text of the body; the status's reason phrase if empty
 * @param headers additional fields, which replace ours of the same name
 * @throws RangeError for a status outside 200-999; TypeError for a name or value that cannot be in a head
 */
export function refusalParts(
  status: number,
  body: string = '',
  headers: Readonly<Record<string, FieldValue>> = {},
): { lines: Map<string, string>; text: string } {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new RangeError(`Invalid status code: ${status}`);
  }
  const text = body || reasonOf(status);
  checkText('The body is', text);
  checkObject('Headers are', headers);
  const lines = new Map([
    ['connection', 'Connection: close'],
    ['content-type', 'Content-Type: text/html'],
    ['content-length', `Content-Length: ${utf8Length(text)}`],
  ]);
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) lines.set(name.toLowerCase(), fieldLine(name, String(value)));
  }
  return { lines, text };
}

/** A whole response that refuses a request, with the parts of `refusalParts`; the connection is closed after it. */
export function writeRefusal(status: number, body?: string, headers?: Readonly<Record<string, FieldValue>>): string {
  const { lines, text } = refusalParts(status, body, headers);
  return joinHead([`HTTP/1.1 ${status} ${reasonOf(status)}`, ...lines.values()]) + text;
}
