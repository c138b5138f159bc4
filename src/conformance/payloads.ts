// `payloadFile` and `CompressedMessages` make the payloads of the compression cases from a seed.
// The five payloads compress as differently as real files do. Messages are parts of them, plain and compressed.

import type { PayloadName } from './case.js';
import { createDice, type Dice } from './dice.js';
import { Compressor, type DeflateDirection } from './deflate.js';

/** The length of each payload in bytes, which is that of the classic suite's file. */
const SIZES: Readonly<Record<PayloadName, number>> = {
  json: 194_056,
  bitmap: 263_222,
  prose: 222_218,
  html: 263_647,
  pdf: 1_042_328,
};

const GERMAN = (
  'der die das und in den von zu mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei ' +
  'einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde sei Vernunft Erkenntnis ' +
  'Begriff Anschauung Gegenstand Natur Freiheit Gesetz Urteil Grund Erfahrung Möglichkeit Wirklichkeit Bewusstsein Gedanke Wesen Seele'
).split(' ');

/** Words with punctuation, in lines of about seventy characters. */
function prose(roll: Dice, length: number): string {
  let text = '';
  let line = 0;
  while (text.length < length) {
    const word = GERMAN[Math.min(roll(GERMAN.length), roll(GERMAN.length))];
    const end = roll(12) === 0 ? '. ' : roll(9) === 0 ? ', ' : ' ';
    line += word.length + end.length;
    text += line > 70 ? `${word}\r\n` : word + end;
    if (line > 70) line = 0;
  }
  return text;
}

/** Makes a text `size` bytes long: cuts it between two characters, and fills it with spaces. */
function fit(bytes: Buffer, size: number): Buffer {
  let end = Math.min(bytes.length, size);
  while (end > 0 && end < bytes.length && (bytes[end] & 0xc0) === 0x80) end--;
  return Buffer.concat([bytes.subarray(0, end), Buffer.alloc(size - end, ' ')]);
}

const MAKERS: Readonly<Record<PayloadName, () => Buffer>> = {
  json: () => {
    const roll = createDice(1);
    const pick = (...words: string[]): string => words[roll(words.length)];
    const name = (): string =>
      `${pick('Anna', 'Bert', 'Clara', 'Emil')} ${pick('Becker', 'Fischer', 'Schmidt', 'Weber')}`;
    const people: string[] = [];
    for (let length = 0; length < SIZES.json; length += people.at(-1)!.length) {
      const person = {
        id: people.length,
        isActive: roll(2) === 0,
        age: 20 + roll(20),
        eyeColor: pick('blue', 'brown', 'green'),
        name: name(),
        company: pick('ACME', 'INITECH', 'UMBRELLA'),
        phone: `+49 (89) 555-${1000 + roll(9000)}`,
        registered: `2012-${10 + roll(3)}-${10 + roll(19)}T12:00:00`,
        latitude: (roll(180) - 90) / 2,
        longitude: (roll(360) - 180) / 2,
        tags: [pick('red', 'green', 'blue'), pick('one', 'two', 'three')],
        friends: [0, 1, 2].map((id) => ({ id, name: name() })),
      };
      people.push(JSON.stringify(person, null, 4));
    }
    return fit(Buffer.from(`[${people.join(',\n')}]`), SIZES.json);
  },
  bitmap: () => {
    const roll = createDice(2);
    const side = 512;
    const bytes = Buffer.alloc(SIZES.bitmap);
    bytes.write('BM', 0);
    bytes.writeUInt32LE(SIZES.bitmap, 2);
    bytes.writeUInt32LE(54 + 1024, 10);
    bytes.writeUInt32LE(40, 14);
    bytes.writeInt32LE(side, 18);
    bytes.writeInt32LE(side, 22);
    bytes.writeUInt16LE(1, 26);
    bytes.writeUInt16LE(8, 28);
    for (let grey = 0; grey < 256; grey++) bytes.writeUInt32LE(grey * 0x010101, 54 + 4 * grey);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const light = 128 + 60 * Math.sin(x / 37) * Math.cos(y / 53) + 30 * Math.sin((x + y) / 11);
        bytes[54 + 1024 + y * side + x] = Math.max(0, Math.min(255, Math.round(light) + roll(9) - 4));
      }
    }
    return bytes;
  },
  prose: () => fit(Buffer.from(prose(createDice(3), SIZES.prose)), SIZES.prose),
  html: () => {
    const roll = createDice(4);
    const ascii = (text: string): string => text.replace(/[^ -~\r\n]/g, 'e');
    let text =
      '<!DOCTYPE html>\n<html lang="de">\n<head><meta charset="utf-8"><title>Ein Verzeichnis</title></head>\n<body>\n';
    for (let place = 0; text.length < SIZES.html; place++) {
      const name = ascii(GERMAN[roll(GERMAN.length)]);
      const rows = Array.from({ length: 4 }, (_, row) => `    <td class="cell number">${row + roll(9)}</td>\n`).join(
        '',
      );
      text += `<div class="entry" id="e${place}">\n  <h2><a href="/catalogue/${name.toLowerCase()}.html">${name}</a></h2>\n`;
      text += `  <p>${ascii(prose(roll, 100 + roll(200))).trim()}</p>\n  <table><tr>\n${rows}  </tr></table>\n</div>\n`;
      // The classic file has a few characters that are not ASCII.
      if (place % 32 === 7) text += '<p>Größe</p>\n';
    }
    return fit(Buffer.from(text), SIZES.html);
  },
  pdf: () => {
    const roll = createDice(5);
    const parts: Buffer[] = [Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
    let length = parts[0].length;
    for (let object = 1; length < SIZES.pdf; object++) {
      const size = 4000 + roll(12_000);
      const stream = Buffer.from(Array.from({ length: size }, () => roll(256)));
      const head = `${object} 0 obj\n<< /Type /XObject /Filter /FlateDecode /Length ${size} >>\nstream\n`;
      const part = Buffer.concat([Buffer.from(head), stream, Buffer.from('\nendstream\nendobj\n')]);
      parts.push(part);
      length += part.length;
    }
    const whole = Buffer.concat(parts);
    const trailer = Buffer.from('\ntrailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n');
    return Buffer.concat([whole.subarray(0, SIZES.pdf - trailer.length), trailer]);
  },
};

const made = new Map<PayloadName, Buffer>();

/** The payload with this name; its bytes are the same in every run. */
export function payloadFile(name: PayloadName): Buffer {
  const bytes = made.get(name) ?? MAKERS[name]();
  made.set(name, bytes);
  return bytes;
}

/** Whether the examiner sends the payload as text. */
export function isText(name: PayloadName): boolean {
  return name === 'json' || name === 'html';
}

/** Whether compression hardly makes the payload shorter, so that a fast level suffices. */
function isDense(name: PayloadName): boolean {
  return name === 'bitmap' || name === 'pdf';
}

/** Cuts messages from a payload, which it repeats; a size is in characters for text, else in bytes. */
export class Slices {
  readonly #size: number;
  readonly #text: string | null;
  readonly #bytes: Buffer;

  constructor(name: PayloadName, size: number) {
    this.#size = size;
    this.#bytes = payloadFile(name);
    const text = isText(name) ? this.#bytes.toString() : null;
    this.#text = text !== null && text.length < this.#bytes.length ? text : null;
  }

  /** The message at a place, from 0. */
  message(place: number): Buffer {
    if (this.#text !== null) return Buffer.from(around(this.#text, place * this.#size, this.#size));
    const start = (place * this.#size) % this.#bytes.length;
    const parts: Buffer[] = [];
    for (let at = start, left = this.#size; left > 0; at = 0) {
      const part = this.#bytes.subarray(at, at + left);
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }
}

function around(text: string, offset: number, size: number): string {
  const start = offset % text.length;
  let cut = text.slice(start, start + size);
  while (cut.length < size) cut += text.slice(0, size - cut.length);
  return cut;
}

/** The most bytes of compressed messages that are kept for cases that send the same ones. */
const MAX_KEPT = 96 * 1024 * 1024;

/** The compressed messages of one payload, size and direction, each made on its first use. */
export class CompressedMessages {
  static #kept = new Map<string, CompressedMessages>();
  readonly #slices: Slices;
  readonly #compressor: Compressor;
  readonly #answers = new Map<string, Map<number, string>>();
  readonly #messages: Buffer[] = [];
  #bytes = 0;

  private constructor(name: PayloadName, size: number, direction: DeflateDirection) {
    this.#slices = new Slices(name, size);
    this.#compressor = isDense(name) ? new Compressor(direction, 1) : new Compressor(direction);
  }

  /** The digests of correct compressed answers of the testee in this direction, by place. */
  answers({ takeover, windowBits }: DeflateDirection): Map<number, string> {
    const key = `${takeover} ${windowBits}`;
    const answers = this.#answers.get(key) ?? new Map<number, string>();
    this.#answers.set(key, answers);
    return answers;
  }

  /** The messages for these parameters, which all cases with them share. */
  static of(name: PayloadName, size: number, direction: DeflateDirection): CompressedMessages {
    const key = `${name} ${size} ${direction.takeover} ${direction.windowBits}`;
    const messages = CompressedMessages.#kept.get(key) ?? new CompressedMessages(name, size, direction);
    CompressedMessages.#kept.delete(key);
    let bytes = messages.#bytes;
    for (const other of CompressedMessages.#kept.values()) bytes += other.#bytes;
    for (const [oldest, other] of CompressedMessages.#kept) {
      if (bytes <= MAX_KEPT) break;
      CompressedMessages.#kept.delete(oldest);
      bytes -= other.#bytes;
    }
    CompressedMessages.#kept.set(key, messages);
    return messages;
  }

  /** Forgets all messages. */
  static clear(): void {
    CompressedMessages.#kept.clear();
  }

  /** The message at a place, plain and compressed. Making it makes all messages before it. */
  message(place: number): { plain: Buffer; compressed: Buffer } {
    while (this.#messages.length <= place) {
      const compressed = this.#compressor.compress(this.#slices.message(this.#messages.length));
      // A copy, because zlib's output is a view of a larger buffer.
      const kept = Buffer.from(compressed);
      this.#messages.push(kept);
      this.#bytes += kept.length;
    }
    return { plain: this.#slices.message(place), compressed: this.#messages[place] };
  }
}
