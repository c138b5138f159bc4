// `RULES` are the sentences of the RFCs by which the cases of this suite's own groups judge, each with its force.

import type { Case } from '../case.js';

/** How strongly an RFC binds the testee. With MAY or nothing, a case is INFORMATIONAL or accepts both behaviours. */
export type Force = 'MUST' | 'SHOULD' | 'MAY' | 'nothing';

/** The rule by which a case judges. */
export interface Rule {
  /** For instance `RFC 6455 5.2`. */
  section: string;
  force: Force;
  /** The sentence, shortened to the part that binds the testee. */
  says: string;
}

const rule = (section: string, force: Force, says: string): Rule => ({ section, force, says });

const READ_REQUEST = rule(
  'RFC 6455 4.2.1',
  'MUST',
  'a server that finds a handshake not as described MUST stop processing it and return an appropriate HTTP error code',
);
const CHOOSES = rule(
  'RFC 6455 4.2.2',
  'MAY',
  'only "if the server chooses to accept the incoming connection" it replies with status 101: to refuse by policy is its right',
);
const NO_LIMIT = rule(
  'RFC 6455 4.2.1',
  'nothing',
  'the RFC does not speak of this; a server decides by its own policy',
);
const NOT_DECODED = rule('RFC 6455 4.2.2', 'MAY', '"it is not necessary for the server to base64-decode" the key');
const BAD_STATUS = rule(
  'RFC 6455 4.1',
  'MUST',
  'the client handles a response with another status than 101 as HTTP says',
);
const BAD_RESPONSE = rule(
  'RFC 6455 4.1',
  'MUST',
  'if the response does not conform in this field, the client MUST fail the WebSocket connection',
);
const DECOMPRESS = rule(
  'RFC 7692 7.2.2',
  'MUST',
  'a receiver appends 00 00 ff ff to the payload and decompresses it by DEFLATE, whatever blocks the sender chose (7.2.1)',
);
const FAIL_OPCODE = rule(
  'RFC 6455 5.2',
  'MUST',
  'if an unknown opcode is received, the receiving endpoint MUST fail the WebSocket connection',
);
const FAIL_RSV = rule(
  'RFC 6455 5.2',
  'MUST',
  'a nonzero reserved bit that no negotiated extension defines MUST fail the WebSocket connection',
);
const FAIL_UTF8 = rule(
  'RFC 6455 8.1',
  'MUST',
  'an endpoint that is to read bytes as UTF-8 and finds that they are not MUST fail the WebSocket connection',
);
const DECLINE = rule(
  'RFC 7692 7.1',
  'MUST',
  'a server MUST decline an offer with a parameter that is unknown, has an invalid value, or stands there twice',
);
const ORDER = rule(
  'RFC 6455 5.5.2',
  'MUST',
  'an endpoint MUST send a pong in response to a ping, "as soon as is practical"; 5.5.3 lets it answer only the latest of several',
);

/** Rules by case id. A key that ends with a dot is for all ids that begin with it and have no rule of their own. */
export const RULES: Readonly<Record<string, Rule>> = {
  'H.1.': rule(
    'RFC 6455 4.2.2',
    'MUST',
    'the server MUST complete these steps to accept a handshake that matches 4.2.1: names and keywords without regard to case, lists with commas',
  ),
  'H.1.7': CHOOSES,
  'H.1.8': CHOOSES,
  'H.1.11': CHOOSES,
  'H.1.12': rule(
    'RFC 6455 4.2.2',
    'MAY',
    'a server that does not wish to accept a connection of this origin returns an HTTP error code, such as 403',
  ),
  'H.1.13': rule('RFC 6455 4.2.1', 'SHOULD', 'the Upgrade field holds the value "websocket"; HTTP makes it a list'),
  'H.2.': READ_REQUEST,
  'H.2.7': NOT_DECODED,
  'H.2.8': NOT_DECODED,
  'H.2.10': NO_LIMIT,
  'H.2.13': rule(
    'RFC 6455 4.2.2',
    'MUST',
    'a version that the server does not understand MUST abort the handshake, with a Sec-WebSocket-Version field of those it does',
  ),
  'H.2.14': rule(
    'RFC 6455 4.2.2',
    'MUST',
    'a version that the server does not understand MUST abort the handshake, with a Sec-WebSocket-Version field of those it does',
  ),
  'H.2.22': NO_LIMIT,
  'H.2.23': NO_LIMIT,
  'H.2.24': rule('RFC 6455 4.2.1', 'SHOULD', 'a violation of the ABNF of a component is a handshake not as described'),
  'H.2.27': NO_LIMIT,
  'H.3.': rule(
    'RFC 6455 4.1',
    'MUST',
    'the client MUST validate the response as described, field names and keywords without regard to case, and go on when it conforms',
  ),
  'H.4.': BAD_RESPONSE,
  'H.4.1': BAD_STATUS,
  'H.4.2': BAD_STATUS,
  'H.4.3': BAD_STATUS,
  'D.1.': DECOMPRESS,
  'D.1.2': rule('RFC 7692 6.1', 'MUST', 'RSV1 is set on the first fragment of a compressed message only'),
  'D.1.7': rule('RFC 7692 6', 'MUST', 'a message whose RSV1 is 0 is not compressed, though the extension is in use'),
  'D.1.8': ORDER,
  'D.1.10': rule(
    'RFC 7692 7.1.1',
    'MUST',
    'without no_context_takeover a receiver keeps the window of the message before',
  ),
  'D.1.13': rule('RFC 7692 7.2.2', 'nothing', 'the RFC does not speak of a compressed message without bytes'),
  'D.1.14': rule('RFC 7692 7.2.2', 'nothing', 'the RFC does not speak of bytes behind a final block'),
  'D.1.15': rule('RFC 7692 7.2.2', 'nothing', 'the RFC does not speak of a message that ends inside a block'),
  'D.2.': rule(
    'RFC 7692 7.2.2',
    'MUST',
    'what DEFLATE cannot decompress has no message: the connection is failed (RFC 6455 7.1.7)',
  ),
  'D.2.6': FAIL_UTF8,
  'D.3.': rule('RFC 7692 6', 'MUST', 'RSV1 MUST NOT be set on control frames and on fragments that are not the first'),
  'D.3.6': FAIL_RSV,
  'D.3.7': FAIL_RSV,
  'D.4.': DECOMPRESS,
  'D.4.2': rule(
    'RFC 6455 10.4',
    'MAY',
    'an implementation that has limits on sizes protects itself against exceeding them',
  ),
  'D.5.': DECLINE,
  'D.6.': rule('RFC 7692 7.1', 'MUST', 'what a server agrees to corresponds to one of the offers; it may decline each'),
  'D.7.': rule(
    'RFC 6455 9.1',
    'MUST',
    'a header that does not conform to the ABNF of the list of extensions MUST fail the connection',
  ),
  'D.8.': rule(
    'RFC 7692 7.1',
    'MUST',
    'a client MUST fail the connection if the response has a parameter that is not sound',
  ),
  'D.8.8': rule('RFC 6455 9.1', 'nothing', 'the RFC does not speak of one extension that is agreed to twice'),
  'D.9.1': rule(
    'RFC 7692 7.1.1.1',
    'MUST',
    'a server accepts server_no_context_takeover by including it in its response',
  ),
  'D.9.2': rule(
    'RFC 7692 7.1.2.1',
    'MUST',
    'a server accepts server_max_window_bits by including it with the same or a smaller value',
  ),
  'D.9.3': rule(
    'RFC 7692 7.1.1.1',
    'MUST',
    'a server accepts server_no_context_takeover by including it in its response',
  ),
  'S.1.': rule(
    'RFC 6455 5.2',
    'MAY',
    'the minimal number of bytes MUST be used to encode the length: this binds the sender, and no close code is named',
  ),
  'S.1.6': rule(
    'RFC 6455 5.2',
    'MUST',
    'the most significant bit of a 64-bit length MUST be 0; no close code is named',
  ),
  'S.1.7': rule(
    'RFC 6455 5.2',
    'MUST',
    'the most significant bit of a 64-bit length MUST be 0; no close code is named',
  ),
  'S.1.8': rule(
    'RFC 6455 10.4',
    'MAY',
    'an implementation that has limits on sizes protects itself against exceeding them',
  ),
  'S.1.9': rule(
    'RFC 6455 10.4',
    'MAY',
    'an implementation that has limits on sizes protects itself against exceeding them',
  ),
  'S.1.10': rule(
    'RFC 6455 10.4',
    'MAY',
    'an implementation that has limits on sizes protects itself against exceeding them',
  ),
  'S.2.': FAIL_OPCODE,
  ...Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`S.2.${11 + index}`, FAIL_RSV])),
  'S.3.': rule(
    'RFC 6455 5.1',
    'MUST',
    'a server MUST close the connection upon a frame that is not masked, a client upon one that is; it MAY send the code 1002',
  ),
  'S.3.6': rule(
    'RFC 6455 5.3',
    'MUST',
    'the masking key is a value that the client chooses, and unmasking is the same for each',
  ),
  'S.4.': rule(
    'RFC 6455 5.4',
    'MUST',
    'frames and fragments are read in order, however the network cuts and joins them (5.2)',
  ),
  'S.4.2': ORDER,
  'S.4.4': ORDER,
  'S.4.5': ORDER,
  'S.4.6': rule(
    'RFC 6455 4.1',
    'nothing',
    'a client sends no data before the handshake is done; what a server does then is not said',
  ),
  'S.5.': rule(
    'RFC 6455 6.2',
    'MUST',
    'the application data of all frames of a message, concatenated, is the message that has been received',
  ),
  'S.6.': FAIL_UTF8,
  'S.6.1': rule(
    'RFC 6455 5.6',
    'MUST',
    'a fragment may end inside a character; the whole message MUST contain valid UTF-8',
  ),
  'S.6.7': rule('RFC 6455 5.6', 'MUST', 'binary data is arbitrary; its interpretation is left to the application'),
  'S.7.': rule(
    'RFC 6455 7.4',
    'nothing',
    'codes that were registered later, or that no endpoint sends: what a receiver does is not said',
  ),
  'S.7.5': FAIL_UTF8,
  'S.7.6': rule('RFC 6455 5.5', 'MUST', 'all control frames MUST NOT be fragmented'),
  'S.7.7': rule('RFC 6455 1.4', 'MUST', 'after a close frame any further data received is discarded'),
};

/** The rule of a case; undefined for a classic case, which is judged as the classic suite judges it. */
export function ruleOf(id: string): Rule | undefined {
  return RULES[id] ?? RULES[id.slice(0, id.lastIndexOf('.') + 1)];
}

/** The words that follow "Judged": the sentence by which a case is judged. */
export function judgedBy({ id, judgedBy: own }: Case): string {
  const rule = ruleOf(id);
  if (own !== undefined) return `by ${own}`;
  return rule === undefined ? 'as the classic suite judges it' : `by ${rule.section} (${rule.force}): ${rule.says}`;
}
