// `extension` of `ws`: a Sec-WebSocket-Extensions header <-> an object that lists, for each extension, its offers.
import { formatExtension, parseExtensions, type ExtensionParam } from '../../extensions/grammar.js';

/** One offer: each parameter with its values; `true` means "without a value". */
export type WsOffer = Record<string, (string | true)[]>;
/** The offers of each extension, in the order of the header. */
export type WsOffers = Record<string, WsOffer[]>;

type Value = string | number | boolean;
/** Extensions that can be formatted: each has one set of parameters or several, each parameter one value or several. */
export type WsConfigurations = Record<string, Configuration | readonly Configuration[]>;
type Configuration = Readonly<Record<string, Value | readonly Value[]>>;

/** As in ws, a value without a length is an empty header. */
export function toHeader(header: string): string {
  return (header as { length?: number }).length === undefined ? '' : header;
}

/**
 * Parses a Sec-WebSocket-Extensions header (RFC 6455 9.1), however many extensions it names.
 * @throws SyntaxError when it does not parse
 */
function parse(header: string): WsOffers {
  const { value, fault } = parseExtensions(toHeader(header), Infinity);
  if (fault !== undefined) throw new SyntaxError(fault);
  // Names come from the peer: on objects without a prototype none of them has a special meaning.
  const offers = Object.create(null) as WsOffers;
  for (const { name, params } of value) (offers[name] ??= []).push(offerOf(params));
  return offers;
}

function offerOf(params: readonly ExtensionParam[]): WsOffer {
  const offer = Object.create(null) as WsOffer;
  for (const { name, value } of params) (offer[name] ??= []).push(value);
  return offer;
}

/** Writes a Sec-WebSocket-Extensions header; names and values must be tokens (RFC 6455 9.1). */
function format(extensions: WsConfigurations): string {
  return Object.entries(extensions)
    .map(([name, configurations]) =>
      listOf(configurations)
        .map((configuration) => formatExtension({ name, params: paramsOf(configuration) }))
        .join(', '),
    )
    .join(', ');
}

function paramsOf(configuration: Configuration): ExtensionParam[] {
  return Object.entries(configuration).flatMap(([name, values]) =>
    listOf(values).map((value) => ({ name, value: value === true ? true : String(value) })),
  );
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

export const extension: { readonly parse: typeof parse; readonly format: typeof format } = { parse, format };
