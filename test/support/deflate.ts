// Engines of permessage-deflate turned into promises and plain values for tests, and the data that they are fed.
import { constants, deflateRawSync, type ZlibOptions } from 'node:zlib';
import type { DeflateAgreement } from '../../src/extensions/permessage-deflate.js';
import { LATER, type Deflater, type Inflater } from '../../src/extensions/transform.js';
import { Role } from '../../src/spec/frame.js';
import type { Budget } from '../../src/node/deflate/budget.js';
import { createDeflater, createInflater, type EngineOptions, type ZlibPath } from '../../src/node/deflate/engines.js';
import type { Deliver, Result as Answer } from '../../src/node/deflate/result.js';

/** Both ways to use zlib: every test of behaviour runs on each. */
export const PATHS: readonly ZlibPath[] = ['handle', 'public'];

/** What is agreed, for both directions alike. */
export interface Direction {
  readonly windowBits: number;
  readonly contextTakeover: boolean;
}

export const TAKEOVER: Direction = { windowBits: 15, contextTakeover: true };
export const NO_TAKEOVER: Direction = { windowBits: 15, contextTakeover: false };

function agreementOn({ windowBits, contextTakeover }: Direction): DeflateAgreement {
  return {
    serverNoContextTakeover: !contextTakeover,
    clientNoContextTakeover: !contextTakeover,
    serverMaxWindowBits: windowBits,
    clientMaxWindowBits: windowBits,
  };
}

/** An inflater or deflater whose later results are awaited. */
class Awaited<Engine extends { close(): void }> {
  readonly engine: Engine;
  /** Results that came without being awaited: there must be none. */
  readonly stray: Answer[] = [];
  #waiting: ((answer: Answer) => void) | undefined;

  constructor(make: (deliver: Deliver) => Engine) {
    this.engine = make((answer) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) this.stray.push(answer);
      else waiting(answer);
    });
  }

  settle(answer: Answer | typeof LATER): Promise<Answer> {
    if (answer !== LATER) return Promise.resolve(answer);
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  close(): void {
    this.engine.close();
  }
}

export class TestInflater extends Awaited<Inflater> {
  constructor(received: Direction, options: EngineOptions, budget?: Budget) {
    super((deliver: Deliver) => createInflater(agreementOn(received), Role.Server, options, deliver, budget));
  }

  inflate(payload: Uint8Array, maxLength: number = Infinity): Promise<Answer> {
    return this.settle(this.engine.inflate(payload, maxLength));
  }
}

export class TestDeflater extends Awaited<Deflater> {
  constructor(sent: Direction, options: EngineOptions, budget?: Budget) {
    super((deliver: Deliver) => createDeflater(agreementOn(sent), Role.Server, options, deliver, budget));
  }

  deflate(payload: Uint8Array, final: boolean = true): Promise<Answer> {
    return this.settle(this.engine.deflate(payload, final));
  }
}

/** What a sender does by RFC 7692 7.2.1: a sync flush without its last four bytes. */
export function compressed(message: Uint8Array | string, options: ZlibOptions = {}): Buffer {
  const deflated = deflateRawSync(message, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
  return deflated.subarray(0, -4);
}

/** What an answer says, in a form that compares well. */
export function told(answer: Answer): string {
  if (!(answer instanceof Error)) return Buffer.from(answer).toString('latin1');
  const { code, closeCode, message } = answer;
  return `${closeCode} ${code} ${message}`;
}

/** A seeded generator of integers below its argument (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** JSON-like text that does not repeat itself. */
export function jsonLike(length: number, random: (below: number) => number): Buffer {
  let text = '';
  while (text.length < length) {
    const symbol = ['EUR', 'USD', 'GBP', 'JPY'][random(4)];
    text += `{"id":"${random(2 ** 31).toString(36)}","symbol":"${symbol}","price":${random(1e6) / 100},"time":${random(2 ** 31)}},`;
  }
  return Buffer.from(text.slice(0, length), 'latin1');
}

/** Bytes that do not compress. */
export function noise(length: number, random: (below: number) => number): Buffer {
  const octets = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; at += 1) octets[at] = random(256);
  return octets;
}
