// `createStream` makes a stream of messages and control frames from a seed; about half of the streams have a fault.

import { payload as payloadOf, send } from '../case.js';
import { Compressor, type DeflateDirection } from '../deflate.js';
import { createDice, type Dice } from '../dice.js';
import { Opcode } from '../wire.js';
import { type Frame, type Reading, readStream } from './reading.js';

/** A stream, and the compression that it needs. */
export interface Stream {
  frames: readonly Frame[];
  /** The least agreement that its compressed messages need; null where it has none, and the examiner offers no compression. */
  deflate: DeflateDirection | null;
}

/** The payload of the ping that ends each stream; its pong shows that the testee read everything before it. */
const END = 'end';
/** Lengths at the borders of the three header forms (RFC 6455 5.2) and of common buffers. */
const LENGTHS = [0, 1, 2, 5, 16, 124, 125, 126, 127, 128, 1000, 4096, 65_535, 65_536];
const CHARACTERS = [
  'a',
  ' ',
  '\0',
  '\x7f',
  '\x80',
  'ß',
  '\u07ff',
  '\u0800',
  '€',
  '\ud7ff',
  '\uffff',
  '𐀀',
  '😀',
  '\u{10ffff}',
];
/** Bytes that are not UTF-8: lone continuations, overlong forms, surrogates, code points above U+10FFFF, cut characters. */
const NO_TEXT = [
  '80',
  'bf',
  'c0af',
  'c1bf',
  'e08080',
  'eda080',
  'edbfbf',
  'f0808080',
  'f4908080',
  'f5808080',
  'ff',
  'e282',
  'f09f98',
];
const BAD_CLOSES = ['03', '0000', '03e7', '03ed', '03ee', '03e8ff', '03e8eda080'];
const CORRUPT = ['0700', '000500aaaa48656c6c6f00', 'fdffffffffffffff'];
const SMALL = 300;
const TRIES = 20;

/** The reading of a stream with its own agreement. */
export function readingOf({ frames, deflate }: Stream): Reading {
  return readStream(frames, deflate);
}

/** The stream of a seed at a place, from 0; its reading is not unclear. */
export function createStream(seed: number, place: number): Stream {
  const roll = createDice(Math.imul(seed, 0x9e3779b1) ^ Math.imul(place + 1, 0x85ebca6b));
  roll(2);
  const deflate = roll(3) === 0 ? { takeover: roll(2) === 0, windowBits: roll(2) === 0 ? 9 : 15 } : null;
  const good = messages(roll, deflate);
  const close: Frame[] = roll(8) === 0 ? [send.raw(Opcode.Close, closePayload(roll))] : [];
  const end = send.raw(Opcode.Ping, END);
  if (roll(2) === 0) return { frames: cut(roll, [...good, ...close, end]), deflate };
  for (let tries = 0; tries < TRIES; tries++) {
    const stream = { frames: [...spoil(roll, good, deflate !== null), end], deflate };
    if (readingOf(stream).unclear === null) return { ...stream, frames: cut(roll, stream.frames) };
  }
  return { frames: [...good, end], deflate };
}

function pick<Item>(roll: Dice, items: readonly Item[]): Item {
  return items[roll(items.length)];
}

function lengthOf(roll: Dice): number {
  return roll(3) === 0 ? pick(roll, LENGTHS) : roll(SMALL);
}

function text(roll: Dice): Buffer {
  const length = lengthOf(roll);
  const unit = Array.from({ length: Math.min(length, SMALL) }, () => pick(roll, CHARACTERS)).join('');
  return Buffer.from(unit.repeat(Math.ceil(length / SMALL)));
}

function bytes(roll: Dice): Buffer {
  const length = lengthOf(roll);
  const unit = Buffer.from(Array.from({ length: Math.min(length, SMALL) }, () => roll(256)));
  return Buffer.alloc(length, unit);
}

function closePayload(roll: Dice): Buffer {
  if (roll(3) === 0) return Buffer.alloc(0);
  const code = Buffer.from([0x03, 0xe8 + pick(roll, [0, 1, 2, 3, 7, 8, 9, 10, 11])]);
  return roll(2) === 0 ? code : Buffer.concat([code, Buffer.from('bye €')]);
}

function control(roll: Dice): Frame {
  const payload = bytes(roll).subarray(0, roll(126));
  return send.raw(roll(3) === 0 ? Opcode.Pong : Opcode.Ping, payload);
}

/** Valid messages, whole or in fragments, with control frames before and between the fragments. */
function messages(roll: Dice, deflate: DeflateDirection | null): Frame[] {
  const compressor = deflate === null ? null : new Compressor(deflate);
  const frames: Frame[] = [];
  for (let left = 1 + roll(6); left > 0; left--) {
    if (roll(4) === 0) {
      frames.push(control(roll));
      continue;
    }
    const binary = roll(2) === 0;
    const plain = binary ? bytes(roll) : text(roll);
    const compressed = compressor !== null && roll(4) > 0;
    const payload = compressed ? compressor.compress(plain) : plain;
    const cuts = Array.from({ length: roll(3) === 0 ? 1 + roll(4) : 0 }, () => roll(payload.length + 1)).sort(
      (one, other) => one - other,
    );
    [0, ...cuts].forEach((at, index) => {
      const part = payload.subarray(at, cuts[index] ?? payload.length);
      const opcode = index > 0 ? Opcode.Continuation : binary ? Opcode.Binary : Opcode.Text;
      if (index > 0 && roll(3) === 0) frames.push(control(roll));
      frames.push(send.raw(opcode, part, { fin: index === cuts.length, rsv: compressed && index === 0 ? 4 : 0 }));
    });
  }
  return frames;
}

/** The frames with one fault, or with a change that only looks like one. */
function spoil(roll: Dice, frames: readonly Frame[], compresses: boolean): Frame[] {
  const place = roll(frames.length);
  const one = frames[place];
  const put = (...instead: Frame[]): Frame[] => [...frames.slice(0, place), ...instead, ...frames.slice(place + 1)];
  switch (roll(13)) {
    case 0:
      return put({ ...one, rsv: 1 + roll(7) });
    case 1:
      return put({ ...one, opcode: pick(roll, [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) });
    case 2:
      return put({ ...one, fin: !one.fin });
    case 3:
      return put({ ...one, odd: { mask: roll(4) === 0 ? 'zero' : 'wrong role' } });
    case 4:
      return put();
    case 5:
      return put(one, one);
    case 6:
      return put(one, send.raw(Opcode.Continuation, 'more', { fin: roll(2) === 0 }));
    case 7:
      return put(send.raw(roll(2) === 0 ? Opcode.Ping : Opcode.Pong, Buffer.alloc(126 + roll(200))), one);
    case 8:
      return put(one, send.raw(Opcode.Close, Buffer.from(pick(roll, BAD_CLOSES), 'hex')));
    case 9:
      return put(send.raw(Opcode.Ping, 'part', { fin: false }), one);
    case 10:
      return put(one, send.raw(Opcode.Text, 'first', { fin: false }), send.raw(pick(roll, [1, 2]), 'second'));
    case 11:
      if (compresses) return put(send.raw(Opcode.Binary, Buffer.from(pick(roll, CORRUPT), 'hex'), { rsv: 4 }), one);
      return put(...wrongText(roll), one);
    default:
      return put(...wrongText(roll), one);
  }
}

/** A text that is not valid UTF-8, whole or in two fragments. */
function wrongText(roll: Dice): Frame[] {
  const payload = Buffer.concat([
    text(roll),
    Buffer.from(pick(roll, NO_TEXT), 'hex'),
    Buffer.from('x'.repeat(roll(2))),
  ]);
  if (roll(2) === 0) return [send.raw(Opcode.Text, payload)];
  const at = roll(payload.length + 1);
  return [
    send.raw(Opcode.Text, payload.subarray(0, at), { fin: false }),
    send.raw(Opcode.Continuation, payload.subarray(at)),
  ];
}

/** The frames with the way to write them: mostly whole, sometimes a few in pieces. */
function cut(roll: Dice, frames: readonly Frame[]): Frame[] {
  if (roll(8) > 0) return [...frames];
  return frames.map((frame) => {
    const chop = roll(3) === 0 && frame.payload.length < SMALL ? 1 + roll(40) : null;
    return chop === null ? frame : { ...frame, chop };
  });
}

/** The frame with another payload. */
export function withPayload(frame: Frame, payload: Buffer): Frame {
  return { ...frame, payload: payloadOf(payload) };
}
