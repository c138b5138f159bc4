// A Receiver, that of `ws` 8.23.0 or ours, as a decoder that a feeder can play to: its events, and its error codes as violations.
import * as ws from 'ws';
import { VIOLATIONS } from '../../src/errors/violations.js';
import { Violation } from '../../src/spec/violation.js';
import { fails, hex, VIOLATION_NUMBERS, type ReceiverOptions, type WireEvent } from './events.js';
import type { Decoder } from './feeder.js';

type Callback = (error?: (Error & { code?: string }) | null) => void;

export interface Receiver {
  _write(chunk: Buffer, encoding: string, callback: Callback): void;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): void;
  on(event: 'ping' | 'pong', listener: (data: Buffer) => void): void;
  on(event: 'conclude', listener: (code: number, reason: Buffer) => void): void;
}

// @types/ws does not know that the package exports its Receiver.
const wsClass = (ws as unknown as { Receiver: ReceiverClass }).Receiver;

type ReceiverClass = new (options: object) => Receiver;

export function wsReceiver(options: ReceiverOptions): Decoder {
  return receiverDecoder(wsClass, options);
}

/** RSV bits other than RSV1 cannot be claimed: no Receiver has an extension that does. */
export function receiverDecoder(
  Receiver: ReceiverClass,
  { role, rsv = 0, maxPayload = Infinity, skipUtf8 = false }: ReceiverOptions,
): Decoder {
  const events: WireEvent[] = [];
  let ended = false;
  // Stands in for permessage-deflate: keeps the compressed bytes of a message as they are, and hands `ws` nothing to judge.
  let compressed: Buffer[] | undefined;
  let inflated: (() => void) | undefined;
  const deflate = {
    decompress(data: Buffer, _final: boolean, callback: (error: null, data: Buffer) => void): void {
      (compressed ??= []).push(data);
      inflated = () => callback(null, Buffer.alloc(0));
    },
  };

  const receiver = new Receiver({
    isServer: role === 'server',
    extensions: rsv === 0 ? {} : { 'permessage-deflate': deflate },
    maxPayload: maxPayload === Infinity ? 0 : maxPayload,
    skipUTF8Validation: skipUtf8,
  });
  receiver.on('message', (data, isBinary) => {
    const octets = compressed === undefined ? data : Buffer.concat(compressed);
    events.push({ type: 'message', text: !isBinary, compressed: compressed !== undefined, data: hex(octets) });
    compressed = undefined;
  });
  receiver.on('ping', (data) => events.push({ type: 'ping', data: hex(data) }));
  receiver.on('pong', (data) => events.push({ type: 'pong', data: hex(data) }));
  receiver.on('conclude', (code, reason) => {
    events.push({ type: 'close', code, reason: hex(reason) });
    ended = true;
  });

  return {
    feed(chunk) {
      if (ended) {
        return;
      }
      // `ws` unmasks in place, and the feeder's bytes are not ours to change.
      receiver._write(Buffer.from(chunk), 'buffer', (error) => {
        if (error) {
          events.push(fails(violationOf(error.code)));
          ended = true;
        }
      });
      while (inflated !== undefined) {
        const answer = inflated;
        inflated = undefined;
        answer();
      }
    },
    events: () => [...events],
  };
}

export function violationOf(code: string | undefined): Violation {
  // What zlib refuses has zlib's code.
  if (code?.startsWith('Z_')) return Violation.InvalidDeflate;
  const violation = VIOLATION_NUMBERS.find((violation) => VIOLATIONS[violation].code === code);
  if (violation === undefined) {
    throw new Error(`ws reported ${code}, which is no violation of ours`);
  }
  return violation;
}
