// `parseExtensions` reads a Sec-WebSocket-Extensions header as a list of offers, and `formatExtension` writes one
// element (RFC 6455 9.1).
import { checkObject, checkObjects, checkText, refuse } from '../errors/usage-error.js';
import { MAX_OFFERS } from '../spec/limits.js';
import { TokenReader, type Parsed } from './token.js';

/** A parameter; `true` means "without a value". */
export interface ExtensionParam {
  readonly name: string;
  readonly value: string | true;
}

/**
 * One element of the header, offered by a client or accepted by a server. Repeated parameters are all listed, in order.
 */
export interface ExtensionOffer {
  readonly name: string;
  readonly params: readonly ExtensionParam[];
}

/**
 * Parses a Sec-WebSocket-Extensions header (RFC 6455 9.1). Names are not interpreted.
 * @param maxOffers the most extensions allowed, MAX_OFFERS by default; more are a fault
 * @throws UsageError when `header` is not text, or `maxOffers` is not a number from 0
 * @returns the offers in the order of the header, or why the text does not parse, in the words of `ws`
 */
export function parseExtensions(header: string, maxOffers: number = MAX_OFFERS): Parsed<ExtensionOffer[]> {
  checkText('A header is', header);
  if (!(maxOffers >= 0)) refuse('The most offers are a number', maxOffers);
  const reader = new TokenReader(header);
  const offers: ExtensionOffer[] = [];
  for (;;) {
    // Deviation from ws (D8): a header that names more extensions is refused, with 400 by a server.
    if (offers.length === maxOffers) return { fault: 'Too many extension offers' };
    const offer = parseOffer(reader);
    if (offer === undefined) return { fault: reader.fault };
    offers.push(offer);
    if (!reader.take(',')) break;
    reader.skipBlanks();
  }
  return reader.atEnd ? { value: offers } : { fault: reader.fault };
}

function parseOffer(reader: TokenReader): ExtensionOffer | undefined {
  const name = reader.token();
  if (name === '') return undefined;
  reader.skipBlanks();
  const params: ExtensionParam[] = [];
  while (reader.take(';')) {
    reader.skipBlanks();
    const param = parseParam(reader);
    if (param === undefined) return undefined;
    params.push(param);
    reader.skipBlanks();
  }
  return { name, params };
}

function parseParam(reader: TokenReader): ExtensionParam | undefined {
  const name = reader.token();
  if (name === '') return undefined;
  if (!reader.take('=')) return { name, value: true };
  const value = reader.take('"') ? reader.quoted() : reader.token();
  return value === '' ? undefined : { name, value };
}

/** Writes one element of a Sec-WebSocket-Extensions header. Names and values must be tokens (RFC 6455 9.1), `params` a list. */
export function formatExtension(offer: ExtensionOffer): string {
  checkObject('An extension is', offer);
  const { name, params } = offer;
  checkObjects("An extension's params are", params);
  return [name, ...params.map((param) => (param.value === true ? param.name : `${param.name}=${param.value}`))].join(
    '; ',
  );
}
