// `acceptDeflateOffer` and `judgeDeflateResponse` agree on the parameters of permessage-deflate (RFC 7692 5, 7.1).
import { checkObject, checkObjects } from '../errors/usage-error.js';
import { formatExtension, type ExtensionOffer, type ExtensionParam } from './grammar.js';
import type { Parsed } from './token.js';

export const PERMESSAGE_DEFLATE = 'permessage-deflate';

/** The window, as a power of two, of a side without an agreement on it (RFC 7692 7.1.2). */
const DEFAULT_WINDOW_BITS = 15;
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/** The user's options for the extension, with the names and meanings of `ws`. */
export interface DeflateOptions {
  /**
   * `true`: the server must reset its window after each message; `false`: as a server, refuse an offer that requires it.
   */
  readonly serverNoContextTakeover?: boolean | undefined;
  /**
   * `true`: the client must reset its window after each message; `false`: as a client, refuse a response that requires it.
   */
  readonly clientNoContextTakeover?: boolean | undefined;
  /** 8-15: the server's window as a power of two; `false`: as a server, refuse an offer that sets one. */
  readonly serverMaxWindowBits?: number | boolean | undefined;
  /** 8-15: the client's window as a power of two; `false`: as a client, do not let the server set one. */
  readonly clientMaxWindowBits?: number | boolean | undefined;
  /** Shorter messages, in bytes, are sent uncompressed where the sender keeps no window; 1024 by default. */
  readonly threshold?: number | undefined;
}

/**
 * `'off'`: no compression; `'shared'`: no side keeps a window between messages, so that connections can share
 * compressors; `'dedicated'`: each side may keep its window.
 */
export type DeflatePreset = 'off' | 'shared' | 'dedicated';

const PRESETS: Readonly<Record<DeflatePreset, DeflateOptions | undefined>> = {
  off: undefined,
  shared: { serverNoContextTakeover: true, clientNoContextTakeover: true },
  dedicated: {},
};

/** The agreement of the connection; the window bits are powers of two, 8-15. */
export interface DeflateAgreement {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

/** The parameters of one offer or response, as written. */
export interface DeflateParams {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits?: number | undefined;
  /** `true`: named without a value, which only an offer may do. */
  readonly clientMaxWindowBits?: number | true | undefined;
}

/** A server's acceptance: the agreement, its parameters, and the response's header. */
export interface DeflateAcceptance {
  readonly agreement: DeflateAgreement;
  readonly params: DeflateParams;
  readonly header: string;
}

/**
 * The options that a user's `perMessageDeflate` means, or undefined for no compression.
 * @typeParam T the options with a higher layer's additions, all of them optional
 * @throws TypeError for an unknown preset; RangeError for window bits that are not integers from 8 to 15, and
 *   for a threshold that is not a number from 0
 */
export function resolveDeflate<T extends DeflateOptions>(
  setting: boolean | DeflatePreset | T | null | undefined,
): T | undefined {
  if (!setting) return undefined;
  if (typeof setting === 'string') {
    if (!Object.hasOwn(PRESETS, setting)) throw new TypeError(`perMessageDeflate: there is no preset "${setting}"`);
    return PRESETS[setting] as T | undefined;
  }
  // As in ws, any other value that is no object means true.
  if (typeof setting !== 'object') return {} as T;
  // Deviation from ws (D9): options out of range throw here; ws puts them on the wire or lets zlib fail later.
  checkDeflateOptions(setting);
  if (setting.threshold !== undefined && !(setting.threshold >= 0)) {
    throw new RangeError('perMessageDeflate.threshold must be a number from 0');
  }
  return setting;
}

/** Throws UsageError unless `options` are an object; RangeError for window bits that are not integers from 8 to 15. */
function checkDeflateOptions(options: DeflateOptions): void {
  checkObject('Options are', options);
  checkWindowBits('serverMaxWindowBits', options.serverMaxWindowBits);
  checkWindowBits('clientMaxWindowBits', options.clientMaxWindowBits);
}

function checkWindowBits(name: string, value: unknown): void {
  if (value === undefined || value === null || typeof value === 'boolean') return;
  if (!Number.isInteger(value) || (value as number) < 8 || (value as number) > 15) {
    throw new RangeError(`perMessageDeflate.${name} must be an integer from 8 to 15`);
  }
}

/** A client's offer, as the text of its Sec-WebSocket-Extensions header. */
export function writeDeflateOffer(options: DeflateOptions): string {
  checkDeflateOptions(options);
  return formatParams({
    serverNoContextTakeover: Boolean(options.serverNoContextTakeover),
    clientNoContextTakeover: Boolean(options.clientNoContextTakeover),
    serverMaxWindowBits: numberOf(options.serverMaxWindowBits),
    // RFC 7692 7.1.2.2: without a value, it tells the server that it may set the client's window
    clientMaxWindowBits:
      options.clientMaxWindowBits === false ? undefined : (numberOf(options.clientMaxWindowBits) ?? true),
  });
}

/**
 * A server's choice: the answer to the first well-formed offer of permessage-deflate that meets the options.
 * @returns undefined if no offer is well-formed, and the connection goes on without compression; 'refused' if the
 *   well-formed ones conflict with the options, which refuses the handshake
 */
export function acceptDeflateOffer(
  offers: readonly ExtensionOffer[],
  options: DeflateOptions,
): DeflateAcceptance | 'refused' | undefined {
  checkObjects('Offers are', offers);
  checkDeflateOptions(options);
  let isRefused = false;
  for (const offer of offers) {
    if (offer.name !== PERMESSAGE_DEFLATE) continue;
    // RFC 7692 7.1: an offer with an unknown, repeated or invalid parameter is declined
    // Deviation from ws (D7): such an offer is skipped; ws refuses the handshake with 400.
    const { value } = decodeDeflateParams(offer.params, 'offer');
    if (value === undefined) continue;
    if (!isAcceptable(value, options)) {
      isRefused = true;
      continue;
    }
    const params = responseTo(value, options);
    return { agreement: agreementOf(params), params, header: formatParams(params) };
  }
  return isRefused ? 'refused' : undefined;
}

/** Whether a server with these options can meet the offer. */
export function isAcceptable(offer: DeflateParams, options: DeflateOptions): boolean {
  if (offer.serverNoContextTakeover && options.serverNoContextTakeover === false) return false;
  if (offer.serverMaxWindowBits !== undefined) {
    if (options.serverMaxWindowBits === false) return false;
    // RFC 7692 7.1.2.1: a server accepts by answering with the same or a smaller value
    if ((numberOf(options.serverMaxWindowBits) ?? 0) > offer.serverMaxWindowBits) return false;
  }
  const clientMaxWindowBits = numberOf(options.clientMaxWindowBits);
  if (clientMaxWindowBits !== undefined) {
    // RFC 7692 7.1.2.2: a server may not set the client's window unless the offer names the parameter
    if (offer.clientMaxWindowBits === undefined) return false;
    if (offer.clientMaxWindowBits !== true && clientMaxWindowBits > offer.clientMaxWindowBits) return false;
  }
  return true;
}

/** The parameters of a server's answer to an acceptable offer, with these options. */
export function responseTo(offer: DeflateParams, options: DeflateOptions): DeflateParams {
  const offered = offer.clientMaxWindowBits;
  const echoed = offered === true || options.clientMaxWindowBits === false ? undefined : offered;
  return {
    serverNoContextTakeover: offer.serverNoContextTakeover || Boolean(options.serverNoContextTakeover),
    clientNoContextTakeover: offer.clientNoContextTakeover || Boolean(options.clientNoContextTakeover),
    serverMaxWindowBits: numberOf(options.serverMaxWindowBits) ?? offer.serverMaxWindowBits,
    clientMaxWindowBits: numberOf(options.clientMaxWindowBits) ?? echoed,
  };
}

/**
 * A client's judgement of the parameters in the server's response.
 * @returns the connection's agreement, or why the handshake fails, in the words of `ws`
 */
export function judgeDeflateResponse(
  params: readonly ExtensionParam[],
  options: DeflateOptions,
): Parsed<DeflateAgreement> {
  checkDeflateOptions(options);
  // RFC 7692 7.1: a response with an unknown, repeated or invalid parameter fails the connection
  const { value: response, fault } = decodeDeflateParams(params, 'response');
  if (response === undefined) return { fault };
  if (response.clientNoContextTakeover && options.clientNoContextTakeover === false) {
    return { fault: 'Unexpected parameter "client_no_context_takeover"' };
  }
  // Deviation from RFC 7692 7.1.1.1, 7.1.2.1: a server may keep more of its own window than the offer asked for; its
  // answer stands and the connection goes on, as with ws.
  const offered = numberOf(options.clientMaxWindowBits);
  const answered = numberOf(response.clientMaxWindowBits);
  // RFC 7692 7.1.2.2: the parameter may only answer an offer that names it, with the same or a smaller value
  if (answered !== undefined && (options.clientMaxWindowBits === false || answered > (offered ?? answered))) {
    return { fault: 'Unexpected or invalid parameter "client_max_window_bits"' };
  }
  return {
    value: agreementOf({
      ...response,
      // A client may use less memory for itself than was agreed without asking (RFC 7692 7.1.1.2, 7.1.2.2).
      clientNoContextTakeover: response.clientNoContextTakeover || Boolean(options.clientNoContextTakeover),
      clientMaxWindowBits: answered ?? offered,
    }),
  };
}

/**
 * Reads the parameters of one offer or response (RFC 7692 7.1.1, 7.1.2).
 * @returns the parameters, or the first fault, in the words of `ws`
 */
export function decodeDeflateParams(
  params: readonly ExtensionParam[],
  source: 'offer' | 'response',
): Parsed<DeflateParams> {
  checkObjects('Parameters are', params);
  const seen = new Set<string>();
  let serverNoContextTakeover = false;
  let clientNoContextTakeover = false;
  let serverMaxWindowBits: number | undefined;
  let clientMaxWindowBits: number | true | undefined;
  for (const { name, value } of params) {
    if (seen.has(name)) return { fault: `Parameter "${name}" must have only a single value` };
    seen.add(name);
    let isValid: boolean;
    switch (name) {
      case 'server_no_context_takeover':
        isValid = serverNoContextTakeover = value === true;
        break;
      case 'client_no_context_takeover':
        isValid = clientNoContextTakeover = value === true;
        break;
      case 'server_max_window_bits':
        serverMaxWindowBits = decodeWindowBits(value);
        isValid = serverMaxWindowBits !== undefined;
        break;
      case 'client_max_window_bits':
        clientMaxWindowBits = value === true && source === 'offer' ? true : decodeWindowBits(value);
        isValid = clientMaxWindowBits !== undefined;
        break;
      default:
        return { fault: `Unknown parameter "${name}"` };
    }
    if (!isValid) return { fault: `Invalid value for parameter "${name}": ${value}` };
  }
  return { value: { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } };
}

// RFC 7692 7.1.2: a decimal integer from 8 to 15 without leading zeroes
// Deviation from ws (D7): "+9", "09", "0xa", "1e1" and "10.0" are not integers here.
function decodeWindowBits(value: string | true): number | undefined {
  return value !== true && WINDOW_BITS.test(value) ? Number(value) : undefined;
}

function numberOf(value: number | boolean | null | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function agreementOf(params: DeflateParams): DeflateAgreement {
  return {
    serverNoContextTakeover: params.serverNoContextTakeover,
    clientNoContextTakeover: params.clientNoContextTakeover,
    serverMaxWindowBits: params.serverMaxWindowBits ?? DEFAULT_WINDOW_BITS,
    clientMaxWindowBits: numberOf(params.clientMaxWindowBits) ?? DEFAULT_WINDOW_BITS,
  };
}

function formatParams(params: DeflateParams): string {
  const written: ExtensionParam[] = [];
  if (params.serverNoContextTakeover) written.push({ name: 'server_no_context_takeover', value: true });
  if (params.clientNoContextTakeover) written.push({ name: 'client_no_context_takeover', value: true });
  const { serverMaxWindowBits, clientMaxWindowBits } = params;
  if (serverMaxWindowBits !== undefined) {
    written.push({ name: 'server_max_window_bits', value: String(serverMaxWindowBits) });
  }
  if (clientMaxWindowBits !== undefined) {
    const value = clientMaxWindowBits === true ? true : String(clientMaxWindowBits);
    written.push({ name: 'client_max_window_bits', value });
  }
  return formatExtension({ name: PERMESSAGE_DEFLATE, params: written });
}
