// `parseSubprotocols` reads the subprotocols that a client's Sec-WebSocket-Protocol header offers (RFC 6455 11.3.4).
import { TokenReader, isToken, type Parsed } from '../extensions/token.js';
import { MAX_SUBPROTOCOLS } from '../spec/limits.js';

/**
 * Parses a request's Sec-WebSocket-Protocol header (RFC 6455 4.1, 11.3.4).
 * @param maxProtocols the most names allowed, MAX_SUBPROTOCOLS by default; more are a fault
 * @returns the names in the client's order of preference, or why the text does not parse, in the words of `ws`
 */
export function parseSubprotocols(header: string, maxProtocols: number = MAX_SUBPROTOCOLS): Parsed<Set<string>> {
  const reader = new TokenReader(header);
  const protocols = new Set<string>();
  for (;;) {
    // Deviation from ws (D8): a request that names more subprotocols is refused with 400.
    if (protocols.size === maxProtocols) return { fault: 'Too many subprotocols' };
    const protocol = reader.token();
    if (protocol === '') return { fault: reader.fault };
    reader.skipBlanks();
    const goesOn = reader.take(',');
    if (!goesOn && !reader.atEnd) return { fault: reader.fault };
    // RFC 6455 4.1: the elements must all be unique
    if (protocols.has(protocol)) return { fault: `The "${protocol}" subprotocol is duplicated` };
    protocols.add(protocol);
    if (!goesOn) return { value: protocols };
    reader.skipBlanks();
  }
}

/** Whether a caller's list may be offered: tokens without repetition (RFC 6455 4.1). */
export function areSubprotocols(protocols: readonly unknown[]): protocols is readonly string[] {
  return (
    protocols.every((protocol) => typeof protocol === 'string' && isToken(protocol)) &&
    new Set(protocols).size === protocols.length
  );
}
