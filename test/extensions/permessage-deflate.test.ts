import { describe, expect, test } from 'vitest';
import { parseExtensions, type ExtensionOffer } from '../../src/extensions/grammar.js';
import {
  acceptDeflateOffer,
  decodeDeflateParams,
  judgeDeflateResponse,
  resolveDeflate,
  writeDeflateOffer,
  type DeflateOptions,
  type DeflateParams,
} from '../../src/extensions/permessage-deflate.js';
import { outcome, wsInternals } from '../support/ws-internals.js';

type Verdict = 'accepted' | 'declined' | 'bad';

/** Parameters as they follow `permessage-deflate`, and what a server and a client with default options make of them. */
interface Row {
  readonly params: string;
  readonly server: Verdict;
  readonly client: Verdict;
}

const both = (verdict: Verdict, ...texts: string[]): Row[] =>
  texts.map((params) => ({ params, server: verdict, client: verdict }));

const NAMES = [
  'server_no_context_takeover',
  'client_no_context_takeover',
  'server_max_window_bits',
  'client_max_window_bits',
] as const;
const [SERVER_FORGETS, CLIENT_FORGETS, SERVER_BITS, CLIENT_BITS] = NAMES;
const GOOD_BITS = ['8', '9', '10', '11', '12', '13', '14', '15'];

// Values that are tokens, but no integers from 8 to 15 without sign, blank or leading zero (RFC 7692 7.1.2).
const BAD_BITS = [
  '0 1 2 3 4 5 6 7 16 17 18 19 20 31 32 47 100 1000 65536 4294967304 9007199254740993',
  '08 09 010 0010 015 00 +8 -8 +10 -10 -0 10.0 10. .9 9.5 1e1 0x9 0xa 0b1001 0o11 10n',
  'NaN Infinity true false null undefined a 1O 8a a8 8_ 1_0 __proto__ constructor * ! ~10',
  '1'.repeat(400),
].flatMap((line) => line.split(' '));

// Text that does not parse at all, in either role (RFC 6455 9.1).
const UNPARSABLE = [
  '; |;|;;|; =|; =10|;,|,|, |;a=|; a =1|; a= 1|; a=""|; a="|; a="1|; a=1"|; a="1" "2"|; a="1 "|; a=" 1"|; a="1,2"',
  '; a="1;2"|; a="\\"|; a="\\,"|; a=1=2|; a==1|; a b|; a/b|; (a)|; a\0|; é|; a=é|; a="é"| a| =1|=1|"a"|; "a"|; "a"=1',
  '; a\r\nb| |\t|; a |; a=1 |; a="1"\t|,,|, ;|; a,|; a=１０|; a=8@|; a={8}|; a=[8]|; a=8:9',
].flatMap((line) => line.split('|'));

const UNKNOWN = [
  ...Object.getOwnPropertyNames(Object.prototype),
  ...'x mux 1 0 * permessage-deflate prototype length name max_window_bits window_bits no_context_takeover'.split(' '),
  ...'server_no_context_takeove server_no_context_takeovers Server_No_Context_Takeover server-no-context-takeover'.split(
    ' ',
  ),
  ...'SERVER_MAX_WINDOW_BITS Client_max_window_bits client_max_window_bit'.split(' '),
];

const ROWS: Row[] = [
  ...both('accepted', '', `; ${SERVER_FORGETS}`, `; ${CLIENT_FORGETS}`, `;${SERVER_FORGETS}`, `\t;\t${CLIENT_FORGETS}`),
  ...both('accepted', `; ${SERVER_FORGETS}; ${CLIENT_FORGETS}`, `; ${CLIENT_FORGETS}; ${SERVER_FORGETS}`),
  ...GOOD_BITS.flatMap((bits) => both('accepted', `; ${SERVER_BITS}=${bits}`, `; ${CLIENT_BITS}=${bits}`)),
  ...GOOD_BITS.flatMap((bits) => both('accepted', `; ${SERVER_BITS}="${bits}"`, `; ${CLIENT_BITS}="\\${bits}"`)),
  ...GOOD_BITS.flatMap((bits) => both('accepted', `; ${CLIENT_BITS}=15; ${SERVER_FORGETS}; ${SERVER_BITS}=${bits}`)),
  // RFC 7692 7.1.2.2: an offer may name client_max_window_bits without a value, a response may not
  ...['', `; ${SERVER_FORGETS}`, `; ${CLIENT_FORGETS}`, `; ${SERVER_BITS}=10`].map((before): Row => ({
    params: `${before}; ${CLIENT_BITS}`,
    server: 'accepted',
    client: 'declined',
  })),
  ...both('declined', `; ${SERVER_BITS}`, `; ${SERVER_BITS}; ${CLIENT_BITS}=10`),
  ...BAD_BITS.flatMap((bits) => both('declined', `; ${SERVER_BITS}=${bits}`, `; ${CLIENT_BITS}=${bits}`)),
  ...['1', '0', 'true', 'false', '10'].flatMap((value) =>
    both('declined', `; ${SERVER_FORGETS}=${value}`, `; ${CLIENT_FORGETS}="${value}"`),
  ),
  ...NAMES.flatMap((name) => {
    const value = name.endsWith('bits') ? '=10' : '';
    return both('declined', `; ${name}${value}; ${name}${value}`, `; ${name}${value}; ${SERVER_FORGETS}; ${name}=11`);
  }),
  ...UNKNOWN.flatMap((name) =>
    both('declined', `; ${name}`, `; ${SERVER_FORGETS}; ${name}=1`, `; ${name}=1; ${CLIENT_BITS}=9`),
  ),
  ...both('bad', ...UNPARSABLE),
];

function judge(params: string, role: 'server' | 'client', options: DeflateOptions = {}): Verdict {
  const { value: offers } = parseExtensions(`permessage-deflate${params}`);
  if (offers === undefined) return 'bad';
  const value =
    role === 'server' ? acceptDeflateOffer(offers, options) : judgeDeflateResponse(offers[0].params, options).value;
  return value === undefined || value === 'refused' ? 'declined' : 'accepted';
}

/** The parameters in the shape of `ws`: those that are there, by their wire names. */
function inShapeOfWs(params: DeflateParams): Record<string, number | true> {
  return {
    ...(params.serverNoContextTakeover && { server_no_context_takeover: true as const }),
    ...(params.clientNoContextTakeover && { client_no_context_takeover: true as const }),
    ...(params.serverMaxWindowBits !== undefined && { server_max_window_bits: params.serverMaxWindowBits }),
    ...(params.clientMaxWindowBits !== undefined && { client_max_window_bits: params.clientMaxWindowBits }),
  };
}

const OPTIONS: DeflateOptions[] = [undefined, true, false].flatMap((serverNoContextTakeover) =>
  [undefined, true, false].flatMap((clientNoContextTakeover) =>
    [undefined, false, 8, 10, 15].flatMap((serverMaxWindowBits) =>
      [undefined, true, false, 9, 12, 15].map((clientMaxWindowBits) => ({
        serverNoContextTakeover,
        clientNoContextTakeover,
        serverMaxWindowBits,
        clientMaxWindowBits,
      })),
    ),
  ),
);

const PARAMS: string[] = ['', `; ${SERVER_FORGETS}`].flatMap((first) =>
  ['', `; ${CLIENT_FORGETS}`].flatMap((second) =>
    ['', '=8', '=10', '=15'].flatMap((server) =>
      [undefined, '', '=8', '=10', '=12', '=15'].map(
        (client) =>
          first +
          second +
          (server && `; ${SERVER_BITS}${server}`) +
          (client === undefined ? '' : `; ${CLIENT_BITS}${client}`),
      ),
    ),
  ),
);

describe('RFC 7692 7.1 negotiation of parameters', () => {
  test('7.1 the table holds at least 300 parameter strings, no two the same', () => {
    expect(new Set(ROWS.map(({ params }) => params)).size).toBe(ROWS.length);
    expect(ROWS.length).toBeGreaterThanOrEqual(300);
  });

  test.each(['server', 'client'] as const)('B02 7.1 a %s judges every string of the table', (role) => {
    const verdicts = ROWS.map(({ params }) => ({ params, verdict: judge(params, role) }));
    expect(verdicts).toEqual(ROWS.map((row) => ({ params: row.params, verdict: row[role] })));
  });

  test('B02 7.1 what is accepted by default, ws accepts too, and it takes more only in numbers', () => {
    const numbers = /=(?:0*(?:[89]|1[0-5])\.?0*|\+(?:8|10)|1e1|0x[9a]|0b1001|0o11)(?:;|$)/;
    for (const isServer of [true, false]) {
      for (const row of ROWS) {
        const theirs = outcome(() => {
          const parsed = wsInternals.extension.parse(`permessage-deflate${row.params}`);
          return new wsInternals.PerMessageDeflate({ isServer }).accept(parsed['permessage-deflate']);
        });
        const mine = isServer ? row.server : row.client;
        const looser = 'value' in theirs && mine !== 'accepted';
        expect({ ...row, isServer, looser }).toEqual({ ...row, isServer, looser: looser && numbers.test(row.params) });
        if (mine === 'accepted') expect(theirs).toHaveProperty('value');
      }
    }
  });

  test('7.1 faults are told in the words of ws', () => {
    const texts = [`; x`, `; ${SERVER_BITS}=7`, `; ${CLIENT_BITS}=16`, `; ${SERVER_FORGETS}=1`, `; ${SERVER_BITS}`];
    texts.push(`; ${CLIENT_BITS}=9; ${CLIENT_BITS}=9`, `; ${CLIENT_BITS}`);
    for (const text of texts) {
      const header = `permessage-deflate${text}`;
      for (const source of ['offer', 'response'] as const) {
        const theirs = outcome(() => {
          const peer = new wsInternals.PerMessageDeflate({ isServer: source === 'offer' });
          return peer.accept(wsInternals.extension.parse(header)['permessage-deflate']);
        });
        const [offer] = parseExtensions(header).value ?? [];
        const { fault } = decodeDeflateParams(offer.params, source);
        expect({ header, fault }).toEqual({ header, fault: 'fault' in theirs ? theirs.fault : undefined });
      }
    }
  });

  test('7.1 a server answers every offer under all its options as ws does', () => {
    for (const options of OPTIONS) {
      for (const text of PARAMS) {
        const header = `permessage-deflate${text}`;
        const peer = new wsInternals.PerMessageDeflate({ ...options, isServer: true });
        const theirs = outcome(() => peer.accept(wsInternals.extension.parse(header)['permessage-deflate']));
        const mine = acceptDeflateOffer(parseExtensions(header).value ?? [], options);
        const seen = { options, header, params: typeof mine === 'object' ? inShapeOfWs(mine.params) : undefined };
        const wanted = { options, header, params: 'value' in theirs ? { ...theirs.value } : undefined };
        if (JSON.stringify(sorted(seen.params)) !== JSON.stringify(sorted(wanted.params))) expect(seen).toEqual(wanted);
      }
    }
  });

  test('7.1 a client takes every response under all its options as ws does', () => {
    for (const options of OPTIONS) {
      for (const text of PARAMS) {
        const header = `permessage-deflate${text}`;
        const peer = new wsInternals.PerMessageDeflate({ ...options, isServer: false });
        const theirs = outcome(() => peer.accept(wsInternals.extension.parse(header)['permessage-deflate']));
        const [offer] = parseExtensions(header).value ?? [];
        const mine = judgeDeflateResponse(offer.params, options);
        const wanted =
          'value' in theirs
            ? {
                value: {
                  serverNoContextTakeover: theirs.value.server_no_context_takeover === true,
                  clientNoContextTakeover:
                    theirs.value.client_no_context_takeover === true || options.clientNoContextTakeover === true,
                  serverMaxWindowBits: theirs.value.server_max_window_bits ?? 15,
                  clientMaxWindowBits: theirs.value.client_max_window_bits ?? 15,
                },
              }
            : theirs;
        if (JSON.stringify(mine) !== JSON.stringify(wanted))
          expect({ options, header, ...mine }).toEqual({ options, header, ...wanted });
      }
    }
  });

  test('7.1 a client offers what ws offers, under all its options', () => {
    for (const options of OPTIONS) {
      const offer = new wsInternals.PerMessageDeflate({ ...options, isServer: false }).offer();
      expect(writeDeflateOffer(options)).toBe(wsInternals.extension.format({ 'permessage-deflate': offer }));
    }
  });

  test('5 a server takes the first offer it can accept, and answers only with that', () => {
    const offers = parseExtensions(
      `x-webkit, permessage-deflate; ${SERVER_BITS}=8, permessage-deflate; x, permessage-deflate; ${CLIENT_BITS}, permessage-deflate`,
    ).value as ExtensionOffer[];
    const acceptance = acceptDeflateOffer(offers, { serverMaxWindowBits: false, clientMaxWindowBits: 11 });
    expect(acceptance).toEqual({
      agreement: {
        serverNoContextTakeover: false,
        clientNoContextTakeover: false,
        serverMaxWindowBits: 15,
        clientMaxWindowBits: 11,
      },
      params: {
        serverNoContextTakeover: false,
        clientNoContextTakeover: false,
        serverMaxWindowBits: undefined,
        clientMaxWindowBits: 11,
      },
      header: `permessage-deflate; ${CLIENT_BITS}=11`,
    });
  });

  test('7.1.2.2 a server whose number is above the offered one declines, one whose number is the same accepts', () => {
    expect(judge(`; ${CLIENT_BITS}=10`, 'server', { clientMaxWindowBits: 11 })).toBe('declined');
    expect(judge(`; ${CLIENT_BITS}=10`, 'server', { clientMaxWindowBits: 10 })).toBe('accepted');
  });

  test('5 no offer of permessage-deflate, no acceptance', () => {
    expect(acceptDeflateOffer([], {})).toBeUndefined();
    expect(acceptDeflateOffer([{ name: 'Permessage-Deflate', params: [] }], {})).toBeUndefined();
  });

  test('7.1 offers that the options rule out refuse the handshake, offers that are not well-formed do not', () => {
    const offers = (text: string): ExtensionOffer[] => parseExtensions(text).value ?? [];
    const options = { serverNoContextTakeover: false };
    const ruledOut = 'permessage-deflate; server_no_context_takeover';
    expect(acceptDeflateOffer(offers(ruledOut), options)).toBe('refused');
    expect(acceptDeflateOffer(offers(`${ruledOut}, permessage-deflate; x`), options)).toBe('refused');
    expect(acceptDeflateOffer(offers('permessage-deflate; x'), options)).toBeUndefined();
  });

  test('7.1 what one side writes, the other side of the same options agrees to', () => {
    for (const options of OPTIONS) {
      const offer = parseExtensions(writeDeflateOffer(options)).value ?? [];
      const acceptance = acceptDeflateOffer(offer, {});
      if (typeof acceptance !== 'object') throw new Error(`not accepted: ${writeDeflateOffer(options)}`);
      const [response] = parseExtensions(acceptance.header).value ?? [];
      if (options.clientNoContextTakeover !== false) {
        expect(judgeDeflateResponse(response.params, options)).toEqual({ value: acceptance.agreement });
      }
    }
  });
});

describe('the perMessageDeflate option', () => {
  test('presets and booleans stand for options', () => {
    expect([undefined, null, false, 'off' as const].map((setting) => resolveDeflate(setting))).toEqual(
      Array(4).fill(undefined),
    );
    expect(resolveDeflate(true)).toEqual({});
    expect(resolveDeflate('dedicated')).toEqual({});
    expect(resolveDeflate('shared')).toEqual({ serverNoContextTakeover: true, clientNoContextTakeover: true });
    const options = { threshold: 0, serverMaxWindowBits: 9 };
    expect(resolveDeflate(options)).toBe(options);
    for (const bits of [8, 15]) {
      const limits = { serverMaxWindowBits: bits, clientMaxWindowBits: bits };
      expect(resolveDeflate(limits)).toBe(limits);
    }
  });

  test('D9 what cannot be honoured is refused', () => {
    const wrong = (what: string): RangeError => new RangeError(`perMessageDeflate.${what}`);
    for (const bits of [7, 16, 0, -1, 9.5, NaN, Infinity, 2 ** 32 + 9]) {
      for (const name of ['serverMaxWindowBits', 'clientMaxWindowBits']) {
        expect(() => resolveDeflate({ [name]: bits })).toThrow(wrong(`${name} must be an integer from 8 to 15`));
      }
    }
    for (const threshold of [-1, NaN]) {
      expect(() => resolveDeflate({ threshold })).toThrow(wrong('threshold must be a number from 0'));
    }
    expect(() => resolveDeflate('constructor' as 'off')).toThrow(
      new TypeError('perMessageDeflate: there is no preset "constructor"'),
    );
  });
});

function sorted(object: object | undefined): [string, unknown][] {
  return Object.entries(object ?? { none: true }).sort(([a], [b]) => (a < b ? -1 : 1));
}
