// `COMPRESSION_CASES` are groups 12 and 13: each case sends 1000 compressed messages of one payload and agreement (RFC 7692).

import { type Case, closeAfter, type DeflateOffer, type DeflateWish, type PayloadName } from '../case.js';

const KIB = 1024;

/** The size of a message in bytes or characters, the bytes in a fragment of its compressed payload, and the time limit. */
const ROWS: readonly { size: number; fragment: number | null; seconds: number }[] = [
  { size: 16, fragment: null, seconds: 60 },
  { size: 64, fragment: null, seconds: 60 },
  { size: 256, fragment: null, seconds: 120 },
  { size: KIB, fragment: null, seconds: 240 },
  ...[4, 8, 16, 32, 64, 128].map((size) => ({ size: size * KIB, fragment: null, seconds: 480 })),
  ...[8, 16, 32, 64, 128].map((size) => ({ size: size * KIB, fragment: 256, seconds: 480 })),
  ...[1, 4, 32].map((fragment) => ({ size: 128 * KIB, fragment: fragment * KIB, seconds: 480 })),
];

/** What the examiner asks of the testee's compressor. */
interface Ask {
  noContextTakeover: boolean;
  windowBits: number | null;
}

const PLAIN: Ask = { noContextTakeover: false, windowBits: null };

/** The offer of the examiner as client: it demands `ask` of the server, and lets the server choose for the client. */
function offer({ noContextTakeover, windowBits }: Ask): string {
  return (
    'permessage-deflate; client_no_context_takeover; client_max_window_bits' +
    (noContextTakeover ? '; server_no_context_takeover' : '') +
    (windowBits === null ? '' : `; server_max_window_bits=${windowBits}`)
  );
}

/** The answer of the examiner as server: it grants what the client demands, and demands `ask` of the client. */
function answer(offered: DeflateOffer, ask: Ask): string | null {
  // RFC 7692 7.1.2.2: an answer has client_max_window_bits only where the client offered it.
  if (ask.windowBits !== null && offered.clientMaxWindowBits === null) return null;
  return (
    'permessage-deflate' +
    (offered.serverNoContextTakeover ? '; server_no_context_takeover' : '') +
    (offered.serverMaxWindowBits === null ? '' : `; server_max_window_bits=${offered.serverMaxWindowBits}`) +
    (ask.noContextTakeover ? '; client_no_context_takeover' : '') +
    // RFC 7692 7.1.2.2: a value in the offer is the most that the client will use, so no answer exceeds it.
    (ask.windowBits === null
      ? ''
      : `; client_max_window_bits=${Math.min(ask.windowBits, offered.clientMaxWindowBits!)}`)
  );
}

/** As client, the examiner offers all of `asks` in order; as server, it uses the first that the client's offer allows. */
function wish(...asks: Ask[]): DeflateWish {
  return {
    offer: asks.map(offer).join(', '),
    answer: (offered) => {
      for (const ask of asks) {
        const text = answer(offered, ask);
        if (text !== null) return text;
      }
      return null;
    },
  };
}

/** An agreement that every testee with permessage-deflate can make. */
export const PLAIN_WISH: DeflateWish = wish(PLAIN);

/** An agreement without context takeover, for both sides. */
export const NO_TAKEOVER_WISH: DeflateWish = wish({ noContextTakeover: true, windowBits: null });

const SUBGROUPS: readonly { id: string; file: PayloadName; words: string; wish: DeflateWish }[] = [
  { id: '12.1', file: 'json', words: 'JSON text', wish: PLAIN_WISH },
  { id: '12.2', file: 'bitmap', words: 'a greyscale bitmap', wish: PLAIN_WISH },
  { id: '12.3', file: 'prose', words: 'German prose (as binary)', wish: PLAIN_WISH },
  { id: '12.4', file: 'html', words: 'HTML text', wish: PLAIN_WISH },
  { id: '12.5', file: 'pdf', words: 'a PDF document', wish: PLAIN_WISH },
  { id: '13.1', file: 'json', words: 'JSON text; nothing is asked of the testee', wish: PLAIN_WISH },
  { id: '13.2', file: 'json', words: 'JSON text; no context takeover is asked', wish: NO_TAKEOVER_WISH },
  ...([9, 15] as const).map((windowBits, index) => ({
    id: `13.${3 + index}`,
    file: 'json' as const,
    words: `JSON text; a window of ${windowBits} bits is asked`,
    wish: wish({ noContextTakeover: false, windowBits }),
  })),
  ...([9, 15] as const).map((windowBits, index) => ({
    id: `13.${5 + index}`,
    file: 'json' as const,
    words: `JSON text; no context takeover and a window of ${windowBits} bits are asked`,
    wish: wish({ noContextTakeover: true, windowBits }),
  })),
  {
    id: '13.7',
    file: 'json',
    words: 'JSON text; three sets of parameters are offered in falling order',
    wish: wish({ noContextTakeover: true, windowBits: 9 }, { noContextTakeover: true, windowBits: null }, PLAIN),
  },
];

const COUNT = 1000;

export const COMPRESSION_CASES: readonly Case[] = SUBGROUPS.flatMap(({ id, file, words, wish }) =>
  ROWS.map(({ size, fragment, seconds }, index) => ({
    id: `${id}.${index + 1}`,
    description:
      `Sends ${COUNT} compressed messages of ${size} ${file === 'json' || file === 'html' ? 'characters' : 'bytes'} ` +
      `of ${words}${fragment === null ? '' : `, each in fragments of ${fragment} bytes`}.`,
    expectation:
      'Each message comes back with the same content before the next one is sent, all in time. ' +
      'A testee that does not agree on permessage-deflate is reported as unimplemented.',
    exam: { kind: 'compression' as const, file, size, fragment, count: COUNT, wish, limit: closeAfter(seconds) },
  })),
);
