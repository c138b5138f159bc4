// `subprotocol` of `ws`: a Sec-WebSocket-Protocol header -> the set of names in it.
import { parseSubprotocols } from '../../handshake/subprotocol.js';
import { toHeader } from './extension.js';

/**
 * The names in a request's Sec-WebSocket-Protocol header, in its order (RFC 6455 11.3.4), however many they are.
 * @throws SyntaxError when it does not parse or a name comes twice
 */
function parse(header: string): Set<string> {
  const { value, fault } = parseSubprotocols(toHeader(header), Infinity);
  if (fault !== undefined) throw new SyntaxError(fault);
  return value;
}

export const subprotocol: { readonly parse: typeof parse } = { parse };
