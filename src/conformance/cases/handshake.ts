// `HANDSHAKE_CASES` are group H: the opening handshake (RFC 6455 4), which the classic suite does not test.

import {
  type Case,
  CLEAN,
  expect,
  failAfter,
  type HandshakeHeader,
  type RequestShape,
  type ResponseShape,
  send,
} from '../case.js';
import type { Behavior } from '../result.js';
import { HELLO } from './shapes.js';

/** Sentences of the expectation, by the verdict on a refusal that the RFC does not forbid. */
const REFUSALS: Partial<Record<Behavior, string>> = {
  INFORMATIONAL: ' To refuse it by policy is informational.',
  'NON-STRICT': ' To refuse it is non-strict.',
};

/** A case whose handshake must succeed; the examiner then sends a message and receives its echo. */
function accepted(
  id: string,
  testee: 'server' | 'client',
  description: string,
  shape: { request?: RequestShape; response?: ResponseShape },
  refused?: Behavior,
): Case {
  return {
    id,
    description,
    expectation:
      'The handshake is completed and a message comes back over the connection. Then the examiner closes, cleanly.' +
      (refused === undefined ? '' : REFUSALS[refused]),
    testee,
    exam: {
      kind: 'script',
      steps: [send.text(HELLO)],
      outcomes: [{ behavior: 'OK', events: [expect.text(HELLO)], close: CLEAN }],
      limit: failAfter(1),
      ...shape,
      ...(refused === undefined ? {} : { refused }),
    },
  };
}

const REFUSES = 'The server answers with an HTTP status other than 101, or drops TCP.';
const REFUSES_IF_STRICT = `${REFUSES} The RFC does not demand it; to accept is non-strict.`;
const REFUSES_OR_NOT = 'Informational: does the server refuse it? The RFC leaves that to its policy.';
const FAILS = 'The client fails the connection: it drops TCP and answers no message.';

type Line = [string, string];

/** Requests that a server must accept, in order of ids; `refused` is the verdict on a refusal that the RFC allows. */
const GOOD_REQUESTS: readonly { words: string; shape: RequestShape; refused?: Behavior }[] = [
  {
    words: 'has its header names in lower case',
    shape: {
      lines: ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'].map((line): Line => {
        const [name = '', value = ''] = line.split(': ');
        return [name.toLowerCase(), value];
      }),
    },
  },
  {
    words: 'has its header names in capitals',
    shape: {
      lines: [
        ['UPGRADE', 'websocket'],
        ['CONNECTION', 'Upgrade'],
        ['SEC-WEBSOCKET-VERSION', '13'],
      ],
    },
  },
  { words: 'says "Upgrade: WebSocket"', shape: { lines: [['Upgrade', 'WebSocket']] } },
  { words: 'says "Connection: keep-alive, Upgrade"', shape: { lines: [['Connection', 'keep-alive, Upgrade']] } },
  {
    words: 'has two Connection lines',
    shape: {
      lines: [
        ['Connection', 'keep-alive'],
        ['Connection', 'upgrade'],
      ],
    },
  },
  {
    words: 'has blanks and tabs around its values',
    shape: {
      lines: [
        ['Upgrade', ' \twebsocket \t'],
        ['Sec-WebSocket-Version', '  13  '],
      ],
    },
  },
  {
    words: 'has fifty other header lines',
    shape: { lines: Array.from({ length: 50 }, (_, index): Line => [`X-Field-${index}`, `value ${index}`]) },
    refused: 'INFORMATIONAL',
  },
  {
    words: 'has a header line of 4 KiB',
    shape: { lines: [['Cookie', `a=${'b'.repeat(4094)}`]] },
    refused: 'INFORMATIONAL',
  },
  { words: 'is written byte by byte', shape: { chop: 1 } },
  { words: 'is written in pieces of seven bytes', shape: { chop: 7 } },
  {
    words: 'offers two subprotocols',
    shape: { lines: [['Sec-WebSocket-Protocol', 'chat, superchat']] },
    refused: 'INFORMATIONAL',
  },
  {
    words: 'names an origin',
    shape: { lines: [['Origin', 'http://example.com']] },
    refused: 'INFORMATIONAL',
  },
  {
    words: 'lists two protocols to upgrade to',
    shape: { lines: [['Upgrade', 'h2c, websocket']] },
    refused: 'NON-STRICT',
  },
];

function namesVersion(header: HandshakeHeader): string | null {
  const versions = header.values('sec-websocket-version').join(',');
  return versions.includes('13')
    ? null
    : 'The refusal does not name the version 13 in Sec-WebSocket-Version (RFC 6455 4.4).';
}

const KEY = 'Sec-WebSocket-Key';
const VERSION = 'Sec-WebSocket-Version';

/** Requests that a server must refuse, in order of ids; `lenient` is the verdict on an acceptance that the RFC allows. */
const BAD_REQUESTS: readonly {
  words: string;
  shape: RequestShape;
  lenient?: Behavior;
  refusal?: (header: HandshakeHeader) => string | null;
}[] = [
  { words: 'has no Upgrade', shape: { without: ['upgrade'] } },
  { words: 'wants to upgrade to something else', shape: { lines: [['Upgrade', 'websockets']] } },
  { words: 'has no Connection', shape: { without: ['connection'] } },
  { words: 'says "Connection: keep-alive"', shape: { lines: [['Connection', 'keep-alive']] } },
  { words: 'has no Sec-WebSocket-Key', shape: { without: ['sec-websocket-key'] } },
  { words: 'has an empty Sec-WebSocket-Key', shape: { lines: [[KEY, '']] } },
  { words: 'has a key of 15 bytes', shape: { lines: [[KEY, 'AQEBAQEBAQEBAQEBAQEB']] }, lenient: 'INFORMATIONAL' },
  { words: 'has a key of 17 bytes', shape: { lines: [[KEY, 'AQEBAQEBAQEBAQEBAQEBAQE=']] }, lenient: 'INFORMATIONAL' },
  { words: 'has a key that is not base64', shape: { lines: [[KEY, `${'!'.repeat(22)}==`]] } },
  {
    words: 'has a key whose base64 is not the canonical one',
    shape: { lines: [[KEY, 'dGhlIHNhbXBsZSBub25jZR==']] },
    // The RFC's own example, AQIDBAUGBwgJCgsMDQ4PEC==, is such a key (RFC 6455 4.1).
    lenient: 'INFORMATIONAL',
  },
  {
    words: 'has two keys',
    shape: {
      lines: [
        [KEY, 'dGhlIHNhbXBsZSBub25jZQ=='],
        [KEY, 'AQIDBAUGBwgJCgsMDQ4PEA=='],
      ],
    },
  },
  { words: 'has no Sec-WebSocket-Version', shape: { without: ['sec-websocket-version'] } },
  { words: 'has the version 12', shape: { lines: [[VERSION, '12']] }, refusal: namesVersion },
  { words: 'has the version 14', shape: { lines: [[VERSION, '14']] }, refusal: namesVersion },
  { words: 'has the version 13.0', shape: { lines: [[VERSION, '13.0']] } },
  { words: 'has the version 013', shape: { lines: [[VERSION, '013']] } },
  { words: 'is a POST', shape: { method: 'POST' } },
  { words: 'is an OPTIONS', shape: { method: 'OPTIONS' } },
  { words: 'is HTTP/1.0', shape: { version: 'HTTP/1.0' } },
  { words: 'has no Host', shape: { without: ['host'] } },
  {
    words: 'has two Hosts',
    shape: {
      lines: [
        ['Host', 'a.example'],
        ['Host', 'b.example'],
      ],
    },
  },
  {
    words: 'has a body with a Content-Length',
    shape: { lines: [['Content-Length', '5']], body: Buffer.from('hello') },
    lenient: 'INFORMATIONAL',
  },
  {
    words: 'has a chunked body',
    shape: { lines: [['Transfer-Encoding', 'chunked']], body: Buffer.from('5\r\nhello\r\n0\r\n\r\n') },
    lenient: 'INFORMATIONAL',
  },
  {
    words: 'has a subprotocol that is no token',
    shape: { lines: [['Sec-WebSocket-Protocol', 'a b, "c"']] },
    lenient: 'NON-STRICT',
  },
  {
    words: 'has a header line without a colon',
    shape: { raw: Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nUpgrade\r\n\r\n') },
  },
  { words: 'is no HTTP', shape: { raw: Buffer.from('HELLO WORLD, HOW ARE YOU?\r\n\r\n') } },
  {
    words: 'has a header of 1 MiB',
    shape: { lines: Array.from({ length: 256 }, (_, index): Line => [`X-Field-${index}`, 'x'.repeat(4096)]) },
    lenient: 'INFORMATIONAL',
  },
];

/** Responses that a client must accept, in order of ids. */
const GOOD_RESPONSES: readonly { words: string; shape: ResponseShape }[] = [
  {
    words: 'has its header names in lower case',
    shape: {
      lines: [
        ['upgrade', 'websocket'],
        ['connection', 'upgrade'],
      ],
    },
  },
  {
    words: 'has its header names in capitals',
    shape: {
      lines: [
        ['UPGRADE', 'websocket'],
        ['CONNECTION', 'Upgrade'],
      ],
    },
  },
  { words: 'says "Upgrade: WebSocket"', shape: { lines: [['Upgrade', 'WebSocket']] } },
  { words: 'says "Connection: keep-alive, Upgrade"', shape: { lines: [['Connection', 'keep-alive, Upgrade']] } },
  {
    words: 'has fifty other header lines',
    shape: { lines: Array.from({ length: 50 }, (_, index): Line => [`X-Field-${index}`, 'value']) },
  },
  { words: 'has another reason phrase', shape: { statusLine: 'HTTP/1.1 101 Web Socket Protocol Handshake' } },
  { words: 'has no reason phrase', shape: { statusLine: 'HTTP/1.1 101 ' } },
  { words: 'is written byte by byte', shape: { chop: 1 } },
  { words: 'comes in one write with the first message', shape: { glued: true } },
];

const ACCEPT = 'Sec-WebSocket-Accept';

/** Responses that a client must refuse, in order of ids. */
const BAD_RESPONSES: readonly { words: string; shape: ResponseShape }[] = [
  { words: 'has status 200', shape: { statusLine: 'HTTP/1.1 200 OK' } },
  { words: 'has status 404', shape: { statusLine: 'HTTP/1.1 404 Not Found' } },
  { words: 'has status 500', shape: { statusLine: 'HTTP/1.1 500 Internal Server Error' } },
  { words: 'has no Upgrade', shape: { without: ['upgrade'] } },
  { words: 'upgrades to something else', shape: { lines: [['Upgrade', 'websockets']] } },
  { words: 'has no Connection', shape: { without: ['connection'] } },
  { words: 'says "Connection: close"', shape: { lines: [['Connection', 'close']] } },
  { words: 'has no Sec-WebSocket-Accept', shape: { without: ['sec-websocket-accept'] } },
  { words: 'has an empty Sec-WebSocket-Accept', shape: { lines: [[ACCEPT, '']] } },
  {
    words: 'has the Sec-WebSocket-Accept of another key',
    shape: { lines: [[ACCEPT, 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=']] },
  },
  {
    words: 'agrees to a subprotocol that was not offered',
    shape: { lines: [['Sec-WebSocket-Protocol', 'not-offered']] },
  },
  {
    words: 'agrees to an extension that was not offered',
    shape: { lines: [['Sec-WebSocket-Extensions', 'x-not-offered']] },
  },
  { words: 'is no HTTP', shape: { raw: Buffer.from('HELLO WORLD, HOW ARE YOU?\r\n\r\n') } },
];

export const HANDSHAKE_CASES: readonly Case[] = [
  ...GOOD_REQUESTS.map(({ words, shape, refused }, index) =>
    accepted(`H.1.${index + 1}`, 'server', `Sends a request that ${words}.`, { request: shape }, refused),
  ),
  ...BAD_REQUESTS.map(({ words, shape, lenient, refusal }, index): Case => ({
    id: `H.2.${index + 1}`,
    description: `Sends a request that ${words}.`,
    expectation: lenient === undefined ? REFUSES : lenient === 'NON-STRICT' ? REFUSES_IF_STRICT : REFUSES_OR_NOT,
    testee: 'server',
    exam: {
      kind: 'refusal',
      request: shape,
      accepted: lenient ?? 'FAILED',
      ...(refusal === undefined ? {} : { refusal }),
    },
  })),
  ...GOOD_RESPONSES.map(({ words, shape }, index) =>
    accepted(`H.3.${index + 1}`, 'client', `Answers with a response that ${words}.`, { response: shape }),
  ),
  ...BAD_RESPONSES.map(({ words, shape }, index): Case => ({
    id: `H.4.${index + 1}`,
    description: `Answers with a response that ${words}.`,
    expectation: shape.statusLine === undefined ? FAILS : 'The client opens no connection: it answers no message.',
    testee: 'client',
    exam: { kind: 'refusal', response: shape, accepted: 'FAILED' },
  })),
];
