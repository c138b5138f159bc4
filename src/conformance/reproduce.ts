// `reproduce` writes a program of at most 40 lines that uses node:net or node:tls, plays a case and shows the answer.

import { isIP } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import {
  type Case,
  type Exam,
  octetsOf,
  type RequestShape,
  type ResponseShape,
  type Step,
  type Testee,
} from './case.js';
import { judgedBy } from './cases/rules.js';
import { buildRequest, buildResponse, type Target } from './handshake.js';
import { CompressedMessages, isText } from './payloads.js';
import { applyMask, encodeHeader, type FrameHeader, type LengthForm, Opcode } from './wire.js';

/** The key of the example in RFC 6455 1.3 and a masking key, with which the program sends the same bytes each time. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const MASK = Buffer.from('01020304', 'hex');
/** The number of compressed messages that the program sends; the case sends a thousand. */
const MESSAGES = 3;
const CLOSE_1000 = Buffer.from([0x03, 0xe8]);

/** Bytes to write, the bytes in a piece (0 for one piece), and the wait after them: ms, or until the peer's next frame. */
interface Part {
  bytes: Buffer;
  size: number;
  rest: number | 'answer';
}

/** Encodes the frames of steps with fixed masking keys. */
class Frames {
  readonly parts: Part[] = [];
  readonly #masked: boolean;
  #phase = 0;

  constructor(masked: boolean) {
    this.#masked = masked;
  }

  add(bytes: Buffer, size: number = 0, rest: Part['rest'] = 0): void {
    const last = this.parts.at(-1);
    if (last !== undefined && last.size === 0 && last.rest === 0 && size === 0) {
      last.bytes = Buffer.concat([last.bytes, bytes]);
      last.rest = rest;
    } else this.parts.push({ bytes, size, rest });
  }

  #mask(odd?: 'wrong role' | 'zero'): Buffer | null {
    if (this.#masked === (odd === 'wrong role')) return null;
    return odd === 'zero' ? Buffer.alloc(4) : MASK;
  }

  frame(
    header: Omit<FrameHeader, 'mask' | 'length'>,
    payload: Buffer,
    odd: { form?: LengthForm; mask?: 'wrong role' | 'zero' } = {},
  ): Buffer {
    const mask = this.#mask(odd.mask);
    const content = Buffer.from(payload);
    if (mask !== null) applyMask(content, mask);
    return Buffer.concat([encodeHeader({ ...header, mask, length: payload.length }, odd.form), content]);
  }

  message(opcode: number, payload: Buffer, fragment: number | null, rsv: number): Buffer {
    if (fragment === null || fragment >= payload.length) return this.frame({ fin: true, rsv, opcode }, payload);
    const frames: Buffer[] = [];
    for (let at = 0; at <= payload.length; at += fragment) {
      const fin = at + fragment > payload.length;
      const header = { fin, rsv: at === 0 ? rsv : 0, opcode: at === 0 ? opcode : Opcode.Continuation };
      frames.push(this.frame(header, payload.subarray(at, at + fragment)));
    }
    return Buffer.concat(frames);
  }

  step(step: Step): void {
    switch (step.do) {
      case 'frame': {
        const bytes = this.frame(step, octetsOf(step.payload), step.odd);
        if (step.chop !== null) this.add(bytes, step.chop);
        else this.add(bytes, step.sync ? bytes.length : 0);
        return;
      }
      case 'close':
        this.add(this.frame({ fin: true, rsv: 0, opcode: Opcode.Close }, step.payload));
        return;
      case 'message':
        this.add(this.message(step.opcode, octetsOf(step.payload), step.fragment, 0));
        return;
      case 'header':
        this.#phase = 0;
        this.add(encodeHeader({ fin: step.fin, rsv: 0, opcode: step.opcode, mask: this.#mask(), length: step.length }));
        return;
      case 'bytes': {
        const bytes = Buffer.from(step.payload);
        if (this.#masked) applyMask(bytes, MASK, this.#phase);
        this.#phase += bytes.length;
        this.add(bytes);
        return;
      }
      case 'wait':
        this.add(Buffer.alloc(0), 0, step.seconds * 1000);
    }
  }
}

function partsOf(exam: Exam, testee: Testee): Part[] {
  const frames = new Frames(testee === 'server');
  if (exam.kind === 'refusal') {
    // A client that accepts the handshake answers the message after it.
    if (testee === 'client')
      frames.add(frames.frame({ fin: true, rsv: 0, opcode: Opcode.Text }, Buffer.from('hello')), 0, 2000);
    return frames.parts;
  }
  if (exam.kind === 'script') exam.steps.forEach((step) => frames.step(step));
  else if (exam.kind === 'echo') frames.step(exam.step);
  else if (exam.kind === 'roundTrips') {
    const bytes = frames.frame({ fin: true, rsv: 0, opcode: exam.opcode }, octetsOf(exam.payload));
    frames.parts.push(...Array.from({ length: MESSAGES }, (): Part => ({ bytes, size: 0, rest: 'answer' })));
  } else {
    // Every agreement allows this form: no reference to an earlier message, and none beyond the smallest window.
    const messages = CompressedMessages.of(exam.file, exam.size, { takeover: false, windowBits: 9 });
    const opcode = isText(exam.file) ? Opcode.Text : Opcode.Binary;
    for (let place = 0; place < MESSAGES; place++) {
      frames.parts.push({
        bytes: frames.message(opcode, messages.message(place).compressed, exam.fragment, 4),
        size: 0,
        rest: 'answer',
      });
    }
  }
  const limit = exam.kind === 'script' ? exam.limit.seconds : exam.kind === 'echo' ? 10 : 1;
  const closes = exam.kind === 'script' && exam.steps.some((step) => step.do === 'close');
  frames.parts.push({ bytes: Buffer.alloc(0), size: 0, rest: limit * 1000 });
  if (!closes)
    frames.parts.push({
      bytes: frames.frame({ fin: true, rsv: 0, opcode: Opcode.Close }, CLOSE_1000),
      size: 0,
      rest: 1000,
    });
  return frames.parts;
}

function handshakeOf(exam: Exam, testee: Testee, target: Target): { bytes: Buffer; size: number } {
  const wish = exam.kind === 'compression' ? exam.wish : exam.kind === 'script' ? exam.deflate : undefined;
  if (testee === 'server') {
    const shape: RequestShape = ('request' in exam ? exam.request : undefined) ?? {};
    const bytes = buildRequest({ ...target, key: KEY, agent: 'reproduction', extensions: wish?.offer ?? null }, shape);
    return { bytes, size: shape.chop ?? 0 };
  }
  const shape: ResponseShape = ('response' in exam ? exam.response : undefined) ?? {};
  const offer = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: null,
    clientMaxWindowBits: 15,
  };
  const bytes = buildResponse({ key: KEY, agent: 'reproduction', extensions: wish?.answer(offer) ?? null }, shape);
  return { bytes, size: shape.chop ?? 0 };
}

/** The part of the program for both roles: it writes bytes and shows frames. */
const COMMON = `const bytes = (text) => inflateRawSync(Buffer.from(text, 'base64'));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let [input, open, answer] = [Buffer.alloc(0), false, () => {}];
async function play(socket, parts) {
  for (const [part, size, then] of parts) {
    for (let at = 0; at < part.length; at += size || part.length) {
      socket.write(part.subarray(at, at + (size || part.length)));
      if (size > 0) await sleep(size < part.length / 500 ? 0 : 2);
    }
    await (then === 'answer' ? new Promise((resolve) => (answer = resolve)) : sleep(then));
  }
  socket.destroy();
}
function show() {
  for (let at; input.length > 1 && input.length >= (at = 2 + ({ 126: 2, 127: 8 }[input[1] & 127] ?? 0) + ((input[1] & 128) >> 5)); answer()) {
    const short = input[1] & 127;
    const length = short < 126 ? short : short === 126 ? input.readUInt16BE(2) : Number(input.readBigUInt64BE(2));
    if (input.length < at + length) return;
    const payload = input.subarray(at, at + length).map((byte, i) => (input[1] & 128 ? byte ^ input[at - 4 + (i & 3)] : byte));
    console.log('opcode', input[0] & 15, 'FIN', input[0] >> 7, 'RSV', (input[0] >> 4) & 7, 'bytes', length, payload.subarray(0, 32));
    input = input.subarray(at + length);
  }
}`;

const SERVER = `socket.setNoDelay(true).on('data', (chunk) => {
  input = Buffer.concat([input, chunk]);
  const end = open ? 0 : input.indexOf('\\r\\n\\r\\n') + 4;
  if (end === 3) return;
  if (!open) console.log(input.toString('latin1', 0, end)), answer();
  [open, input] = [true, input.subarray(end)];
  show();
}).on('error', (error) => console.log(error.message)).on('close', () => (console.log('TCP has ended'), process.exit()));`;

const CLIENT = `createServer((socket) => {
  socket.setNoDelay(true).on('data', (chunk) => {
    input = Buffer.concat([input, chunk]);
    const key = /sec-websocket-key: *(\\S+)[^]*\\r\\n\\r\\n/i.exec(input.toString('latin1'))?.[1];
    if (open || key === undefined) return open && show();
    const accept = createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    [open, input] = [true, Buffer.alloc(0)];
    parts[0][0] = Buffer.from(parts[0][0].toString('latin1').replace('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', accept), 'latin1');
    play(socket, parts);
  }).on('error', () => {}).on('close', () => console.log('TCP has ended'));
}).listen(Number(process.argv[2] ?? 9001), function () { console.log('Listening on port', this.address().port); });`;

function comment(words: string): string {
  return `// ${words.replaceAll(/\s+/g, ' ')}`;
}

/** The program for one case; where the testee is a server, it connects to `target`, and takes any certificate of it. */
export function reproduce(one: Case, testee: Testee, target: Target & { secure?: boolean }): string {
  const { id, description, expectation, exam } = one;
  const usage = testee === 'server' ? 'node FILE [HOST] [PORT]' : 'node FILE [PORT]';
  const handshake = handshakeOf(exam, testee, target);
  const parts: Part[] = [{ ...handshake, rest: testee === 'server' ? 'answer' : 0 }, ...partsOf(exam, testee)];
  const written = parts.map(({ bytes, size, rest }) => {
    const packed = bytes.length === 0 ? 'Buffer.alloc(0)' : `bytes('${deflateRawSync(bytes).toString('base64')}')`;
    return `[${packed}, ${size}, ${JSON.stringify(rest)}]`;
  });
  const [inUrl = '127.0.0.1', port = target.secure ? '443' : '80'] = target.host.split(/:(?=\d+$)/);
  const name = inUrl.replace(/^\[|\]$/g, '');
  const tls = `{ rejectUnauthorized: false, servername: '${isIP(name) === 0 ? name : ''}' }, `;
  const lines = [
    comment(`Case ${id}: ${description} (${usage})`),
    comment(`Expected: ${expectation} Judged ${judgedBy(one)}.`),
    `import { inflateRawSync } from 'node:zlib';`,
    ...(testee === 'server'
      ? [`import { connect } from 'node:${target.secure ? 'tls' : 'net'}';`]
      : [`import { createServer } from 'node:net';`, `import { createHash } from 'node:crypto';`]),
    COMMON,
    `const parts = [${written.join(', ')}];`,
    ...(testee === 'server'
      ? [
          `const [host = '${name}', port = '${port}'] = process.argv.slice(2);`,
          `const socket = connect(Number(port), host, ${target.secure ? tls : ''}() => play(socket, parts));`,
          SERVER,
        ]
      : [CLIENT]),
  ];
  return `${lines.join('\n')}\n`;
}
