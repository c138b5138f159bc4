/** The deliberate differences between `ws` and this library, as data: a contract test may differ only by naming one of these. */

export type DeviationId =
  | 'D1'
  | 'D2'
  | 'D3'
  | 'D4'
  | 'D5'
  | 'D6'
  | 'D7'
  | 'D8'
  | 'D9'
  | 'D10'
  | 'D11'
  | 'D12'
  | 'D13'
  | 'D14'
  | 'D15'
  | 'D16'
  | 'D17'
  | 'D18'
  | 'D19'
  | 'D20';

export const DEVIATIONS: Readonly<Record<DeviationId, string>> = {
  D1: 'maxBackpressure exists, off by default',
  D2: "a remote peer's fault never throws for want of an 'error' listener",
  D3: 'a request with a body or with two Hosts is refused; strictHandshake demands the rest of RFC 6455 4.2.1',
  D4: 'pongs are coalesced and never a reason to terminate',
  D5: 'the number of fragments or of buffered chunks has no limit by default',
  D6: 'a length in a longer form than needed fails with 1002 and WS_ERR_NON_MINIMAL_LENGTH',
  D7: 'a permessage-deflate offer with bad, unknown, duplicate or out-of-range parameters is declined',
  D8: 'on an own HTTP server the handshake must end within 10 s, with at most 16 offers and 64 subprotocols',
  D9: 'numeric options are honoured in full or refused with RangeError',
  D10: 'invalid UTF-8 fails inside an unfinished message and frame',
  D11: 'a socket reads nothing after _socket.pause(); close() resumes a paused WebSocket',
  D12: 'a message is compressed at once, unless it is long or the turn has no time left; concurrencyLimit holds for long ones only',
  D13: 'the time for an opening handshake counts from the request; Proxy-Authorization is a secret; ws+unix: needs a path, and is no target of a redirect from the network',
  D14: 'createWebSocketStream ends its writing side when the socket is lost',
  D15: 'a peer that ends without a Close has closeTimeout; a send that terminate() cuts off is an error to its callback',
  D16: 'a client masks with mask: undefined too; inherited options of send count',
  D17: 'a header or protocolVersion of undefined, and what can never be a listener, is passed over; generateMask is checked',
  D18: "what an application's hook gives and no response can carry is answered with 500 and told",
  D19: 'a listener that throws stops no other event; a listener that is removed takes nothing from the bookkeeping',
  D20: 'a request that comes while the server closes does not keep its socket open',
};

/** What each implementation does where the two differ on purpose. */
export interface Expectation<T> {
  ws: T;
  wsimd: T;
}
