// `Compressor` and `Decompressor` work on whole messages (RFC 7692) with nothing but zlib.
// A message is one synchronous call with the context as a dictionary, so that compressed messages can be kept.

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { DeflateOffer } from './case.js';

/** The agreement of both sides on permessage-deflate. */
export interface DeflateAgreement {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  /** 8 to 15. */
  serverMaxWindowBits: number;
  /** 8 to 15. */
  clientMaxWindowBits: number;
}

/** The part of an agreement for one direction. */
export interface DeflateDirection {
  takeover: boolean;
  windowBits: number;
}

const WINDOW = 32 * 1024;
/** The four bytes that end a sync flush; a sender removes them (RFC 7692 7.2.1). */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const NOTHING = Buffer.alloc(0);

/** The window after `payload`: the last bytes of all messages so far. */
export function remember(window: Buffer, payload: Buffer): Buffer {
  if (payload.length >= WINDOW) return Buffer.from(payload.subarray(payload.length - WINDOW));
  const joined = Buffer.concat([window, payload]);
  return joined.length > WINDOW ? joined.subarray(joined.length - WINDOW) : joined;
}

/** The chunk size for zlib, with which most messages are one piece and a short one needs little memory. */
function chunkFor(length: number): number {
  return Math.min(length + 1024, 256 * 1024);
}

/** Compresses messages one after another. */
export class Compressor {
  readonly #direction: DeflateDirection;
  readonly #level: number;
  #window: Buffer = NOTHING;

  /** `level` is zlib's, 1 to 9; a lower one takes less time. */
  constructor(direction: DeflateDirection, level: number = constants.Z_DEFAULT_COMPRESSION) {
    this.#direction = direction;
    this.#level = level;
  }

  /** The compressed message without its tail. */
  compress(payload: Buffer): Buffer {
    const { takeover, windowBits } = this.#direction;
    const bytes = deflateRawSync(payload, {
      // zlib cannot make a raw stream with a window of 8 bits. Stored blocks have no references, so they fit every window.
      windowBits: Math.max(windowBits, 9),
      level: windowBits < 9 ? 0 : this.#level,
      memLevel: 8,
      chunkSize: chunkFor(payload.length),
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(takeover && this.#window.length > 0 ? { dictionary: this.#window } : {}),
    });
    if (takeover) this.#window = remember(this.#window, payload);
    return bytes.subarray(0, bytes.length - TAIL.length);
  }
}

/** Decompresses messages one after another. */
export class Decompressor {
  readonly #direction: DeflateDirection;
  #window: Buffer = NOTHING;

  constructor(direction: DeflateDirection) {
    this.#direction = direction;
  }

  /** The message, or the reason why it cannot be decompressed. */
  decompress(payload: Buffer, maxLength: number): Buffer | string {
    const { takeover, windowBits } = this.#direction;
    try {
      const bytes = inflateRawSync(Buffer.concat([payload, TAIL]), {
        windowBits,
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: maxLength,
        chunkSize: chunkFor(3 * payload.length),
        ...(takeover && this.#window.length > 0 ? { dictionary: this.#window } : {}),
      });
      this.skip(bytes);
      return bytes;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Adds a message to the window that was known and so not decompressed. */
  skip(message: Buffer): void {
    if (this.#direction.takeover) this.#window = remember(this.#window, message);
  }
}

/** An empty final block, which marks the end of the data for zlib. */
const END = Buffer.from([1, 0, 0, 0xff, 0xff]);

/**
 * The message in `payload` after `window`, or the reason why there is none. The reason is `unclear` where the data ends inside
 * a block or continues after a final one, which RFC 7692 does not mention.
 */
export function inflateWhole(payload: Buffer, window: Buffer): Buffer | string {
  const whole = Buffer.concat([payload, TAIL, END]);
  try {
    const { buffer, engine } = inflateRawSync(whole, {
      info: true,
      ...(window.length > 0 ? { dictionary: window } : {}),
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    return engine.bytesWritten === whole.length ? buffer : 'unclear';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR' ? 'unclear' : faultOf(payload, window);
  }
}

/** The mistake in the data itself; `unclear` where only the bytes added after it do not fit. */
function faultOf(payload: Buffer, window: Buffer): string {
  try {
    inflateRawSync(payload, {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(window.length > 0 ? { dictionary: window } : {}),
    });
    return 'unclear';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'Z_BUF_ERROR' ? 'unclear' : message;
  }
}

// ---- negotiation ---------------------------------------------------------------------------------------------------------------

/** The extensions and parameters of a Sec-WebSocket-Extensions value, in order; null where it is malformed (RFC 6455 9.1). */
export function parseExtensions(value: string): { name: string; parameters: [string, string | null][] }[] | null {
  const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
  const extensions: { name: string; parameters: [string, string | null][] }[] = [];
  for (const part of value.split(',')) {
    const [name = '', ...rest] = part.split(';').map((piece) => piece.trim());
    if (!token.test(name)) return null;
    const parameters: [string, string | null][] = [];
    for (const piece of rest) {
      const at = piece.indexOf('=');
      const key = (at < 0 ? piece : piece.slice(0, at)).trim();
      const raw = at < 0 ? null : piece.slice(at + 1).trim();
      const quoted = raw !== null && /^"(.*)"$/.exec(raw);
      const content = quoted ? quoted[1] : raw;
      if (!token.test(key) || (content !== null && !token.test(content))) return null;
      parameters.push([key, content]);
    }
    extensions.push({ name, parameters });
  }
  return extensions;
}

function bits(value: string | null): number | null {
  return value !== null && /^([89]|1[0-5])$/.test(value) ? Number(value) : null;
}

/** The client's first valid permessage-deflate offer, or null. */
export function readOffer(value: string): DeflateOffer | null {
  for (const { name, parameters } of parseExtensions(value) ?? []) {
    const keys = new Set(parameters.map(([key]) => key));
    if (name !== 'permessage-deflate' || keys.size !== parameters.length) continue;
    const offer: DeflateOffer = {
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: null,
      clientMaxWindowBits: null,
    };
    const sound = parameters.every(([key, content]) => {
      switch (key) {
        case 'server_no_context_takeover':
          offer.serverNoContextTakeover = true;
          return content === null;
        case 'client_no_context_takeover':
          offer.clientNoContextTakeover = true;
          return content === null;
        case 'server_max_window_bits':
          offer.serverMaxWindowBits = bits(content);
          return offer.serverMaxWindowBits !== null;
        case 'client_max_window_bits':
          offer.clientMaxWindowBits = content === null ? 15 : bits(content);
          return offer.clientMaxWindowBits !== null;
        default:
          return false;
      }
    });
    if (sound) return offer;
  }
  return null;
}

/** The agreement in a response's Sec-WebSocket-Extensions, or the mistake in its form. */
export function readAgreement(value: string, offered: string): DeflateAgreement | string {
  const extensions = parseExtensions(value);
  if (extensions === null || extensions.length !== 1)
    return `The response's Sec-WebSocket-Extensions is malformed: ${value}`;
  const { name, parameters } = extensions[0];
  const offers = (parseExtensions(offered) ?? []).filter((offer) => offer.name === 'permessage-deflate');
  if (name !== 'permessage-deflate' || offers.length === 0)
    return `The response agrees to what was not offered: ${name}`;
  const agreement: DeflateAgreement = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  const seen = new Set<string>();
  for (const [key, content] of parameters) {
    const complaint = `The response's parameter ${key}${content === null ? '' : `=${content}`}`;
    if (seen.has(key)) return `${complaint} stands there twice`;
    seen.add(key);
    const size = bits(content);
    if (key === 'server_no_context_takeover' && content === null) agreement.serverNoContextTakeover = true;
    else if (key === 'client_no_context_takeover' && content === null) agreement.clientNoContextTakeover = true;
    else if (key === 'server_max_window_bits' && size !== null) agreement.serverMaxWindowBits = size;
    else if (key === 'client_max_window_bits' && size !== null) agreement.clientMaxWindowBits = size;
    else return `${complaint} is not sound`;
  }
  // RFC 7692 7.1.2.2: a server sets the client's window only where the client offers the parameter.
  if (
    seen.has('client_max_window_bits') &&
    !offers.some((offer) => new Map(offer.parameters).has('client_max_window_bits'))
  )
    return `The response's parameter client_max_window_bits was not offered (RFC 7692 7.1.2.2)`;
  return agreement;
}

/** The parameter of the offers that an agreement does not grant, with its section; null where it grants one whole offer. */
export function judgeAgreement(agreement: DeflateAgreement, offered: string): string | null {
  const offers = (parseExtensions(offered) ?? []).filter(({ name }) => name === 'permessage-deflate');
  const complaints = offers.map(({ parameters }) => {
    const asked = new Map(parameters);
    // RFC 7692 7.1.1.1 and 7.1.2.1: a server that accepts such an offer includes the parameter in its response.
    if (asked.has('server_no_context_takeover') && !agreement.serverNoContextTakeover)
      return 'server_no_context_takeover was asked and is not in the response (RFC 7692 7.1.1.1)';
    const window = Number(asked.get('server_max_window_bits') ?? 15);
    if (agreement.serverMaxWindowBits > window)
      return `server_max_window_bits=${window} was asked, and the response agrees to ${agreement.serverMaxWindowBits} (RFC 7692 7.1.2.1)`;
    return null;
  });
  return complaints.includes(null) ? null : complaints.join('; ');
}

/** The part of an agreement for the direction in which a role sends. */
export function directionOf(agreement: DeflateAgreement, role: 'client' | 'server'): DeflateDirection {
  return role === 'client'
    ? { takeover: !agreement.clientNoContextTakeover, windowBits: agreement.clientMaxWindowBits }
    : { takeover: !agreement.serverNoContextTakeover, windowBits: agreement.serverMaxWindowBits };
}
