// No call of the codec's sending side, with any argument, puts one connection's bytes into another's output.
import { describe, expect, test } from 'vitest';
import { FrameEncoder } from '../../src/codec/frame-encoder.js';
import type { Payload } from '../../src/codec/payload.js';
import { Connection } from '../../src/connection/connection.js';
import { State } from '../../src/connection/state.js';
import { UsageError } from '../../src/errors/usage-error.js';
import type { Kernels } from '../../src/kernels/kernels.js';
import { makeNodeValues } from '../../src/node/values.js';
import { FIN, Opcode, Role } from '../../src/spec/frame.js';
import type { Bytes } from '../../src/values/bytes.js';
import { plainValues, type Values } from '../../src/values/values.js';
import { argumentKinds, type ArgumentKind } from '../support/arguments.js';
import { hex } from '../support/events.js';
import { kernelSets } from '../support/kernel-sets.js';

const KEY = [0x11, 0x22, 0x33, 0x44];

/** Some bytes less than the memory that all connections share. */
const NEARLY_ALL = new Uint8Array(128 * 1024 - 100);

/** A frame, written as RFC 6455 5.2 draws it, at most 64 KiB long. */
function frameOf(role: Role, first: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : 4);
  head[0] = first;
  head[1] = length < 126 ? length : 126;
  if (length >= 126) head.writeUInt16BE(length, 2);
  if (role === Role.Server) return Buffer.concat([head, payload]);
  head[1] |= 0x80;
  return Buffer.concat([head, Buffer.from(KEY), payload.map((byte, index) => byte ^ KEY[index % 4])]);
}

/** One end: a connection and a bare encoder, with the bytes that each has given, and has to give by the reference. */
class End {
  readonly encoder: FrameEncoder;
  readonly connection: Connection;
  /** The chunks of the last `take`, first the encoder's. */
  taken: Uint8Array[] = [];
  private readonly given: [Uint8Array[], Uint8Array[]] = [[], []];
  private readonly expected: [Uint8Array[], Uint8Array[]] = [[], []];

  constructor(
    readonly role: Role,
    kernels: Kernels,
    values: Values,
  ) {
    const options = { role, kernels, values, generateMask: (into: Uint8Array): void => into.set(KEY) };
    this.encoder = new FrameEncoder(options);
    this.connection = new Connection(options);
  }

  /** Makes a call, and notes the frames that it means; a call that means none must be refused, and change nothing. */
  call(work: () => void, frames: Uint8Array | undefined, isEncoder: boolean): void {
    let encoded = this.encoder.length;
    let queued = this.connection.outputLength;
    if (frames === undefined) {
      expect(work).toThrow(UsageError);
    } else {
      work();
      this.expected[isEncoder ? 0 : 1].push(frames);
      if (isEncoder) encoded += frames.length;
      else queued += frames.length;
    }
    if (this.encoder.length !== encoded || this.connection.outputLength !== queued) {
      expect([this.encoder.length, this.connection.outputLength]).toEqual([encoded, queued]);
    }
  }

  frame(first: number, payload: Uint8Array): Uint8Array {
    return frameOf(this.role, first, payload);
  }

  /** Sends text of this end's own, by both. */
  speak(letter: string, length: number): void {
    const payload = Buffer.alloc(length, letter);
    const frames = this.frame(FIN | Opcode.Text, payload);
    if (this.connection.state === State.Open) {
      this.call(() => void this.connection.send(payload.toString('latin1')), frames, false);
    }
    this.call(() => this.encoder.frame(FIN | Opcode.Text, payload), frames, true);
  }

  /** Takes the output of both; `isGivenBack` says that it has been written out. */
  take(isGivenBack: boolean): void {
    this.taken = [];
    for (const [index, from] of [this.encoder, this.connection].entries()) {
      const chunks = from instanceof Connection ? from.takeOutput() : from.take();
      this.given[index].push(...(isGivenBack ? chunks.map((chunk) => Buffer.from(chunk)) : chunks));
      this.taken.push(...chunks);
      if (isGivenBack) for (const chunk of chunks) from.reuse(chunk);
    }
  }

  /** Compares all that was given, as it is now, with the reference. */
  judge(name: string): void {
    for (const index of [0, 1]) {
      const given = Buffer.concat(this.given[index]);
      const expected = Buffer.concat(this.expected[index]);
      if (!given.equals(expected)) expect(hex(given), name).toBe(hex(expected));
    }
  }
}

/** What has happened between the two before the call. */
const points: Record<string, (a: End, b: End, fill: () => void) => void> = {
  'nothing has happened': () => undefined,
  'A waits': (a) => a.speak('a', 30),
  'B waits': (_, b) => b.speak('b', 30),
  'A waits, then B': (a, b) => {
    a.speak('a', 30);
    b.speak('b', 30);
  },
  'A waits, B comes, A goes on': (a, b) => {
    a.speak('a', 30);
    b.speak('b', 30);
    a.speak('a', 20);
  },
  'B was taken': (_, b) => {
    b.speak('b', 500);
    b.take(false);
  },
  'B has given its place back': (_, b) => {
    b.speak('b', 500);
    b.take(true);
  },
  'B has given its place back and A waits': (a, b) => {
    b.speak('b', 500);
    b.take(true);
    a.speak('a', 3);
  },
  'A has given its place back and B waits': (a, b) => {
    a.speak('a', 500);
    a.take(true);
    b.speak('b', 3);
  },
  'the shared memory is nearly full': (a, _, fill) => {
    fill();
    a.speak('a', 30);
  },
  'A gives back what B has taken': (a, b) => {
    b.speak('b', 500);
    b.take(false);
    for (const chunk of b.taken) {
      a.connection.reuse(chunk);
      a.encoder.reuse(chunk);
    }
  },
  'A gives back parts of what it has taken': (a) => {
    a.speak('a', 500);
    a.take(false);
    for (const { buffer, byteOffset, length } of a.taken) {
      a.connection.reuse(new Uint8Array(buffer, byteOffset, length));
      a.encoder.reuse(new Uint8Array(buffer, 0, byteOffset + length));
    }
  },
};

interface Method {
  readonly name: string;
  readonly isEncoder: boolean;
  readonly call: (end: End, argument: unknown) => void;
  /** The bytes that the call adds to the output; undefined where it must be refused. */
  readonly adds: (end: End, kind: ArgumentKind) => Uint8Array | undefined;
}

function adds(opcode: number, accepts: 'bytes' | 'text' | 'both' = 'both'): Method['adds'] {
  return (end, { bytes, isText }) => {
    if (bytes === undefined || accepts === (isText ? 'bytes' : 'text')) return undefined;
    if (opcode !== Opcode.Close) return end.frame(FIN | opcode, bytes);
    return end.frame(FIN | opcode, Buffer.concat([Uint8Array.of(1000 >> 8, 1000 & 0xff), bytes]));
  };
}

function addsRaw(_: End, { bytes, isText }: ArgumentKind): Uint8Array | undefined {
  return isText ? undefined : bytes;
}

const methods: readonly Method[] = [
  {
    name: 'send',
    isEncoder: false,
    call: ({ connection }, argument) => void connection.send(argument as Payload, { binary: true }),
    adds: adds(Opcode.Binary),
  },
  {
    name: 'send, lent',
    isEncoder: false,
    call: ({ connection }, argument) => void connection.send(argument as Payload, { binary: false, lent: true }),
    adds: adds(Opcode.Text),
  },
  {
    name: 'ping',
    isEncoder: false,
    call: ({ connection }, argument) => void connection.ping(argument as Payload),
    adds: adds(Opcode.Ping),
  },
  {
    name: 'pong',
    isEncoder: false,
    call: ({ connection }, argument) => void connection.pong(argument as Payload),
    adds: adds(Opcode.Pong),
  },
  {
    name: 'sendFrames',
    isEncoder: false,
    call: ({ connection }, argument) => void connection.sendFrames(argument as Bytes),
    adds: addsRaw,
  },
  {
    name: 'sendFrames, in a list',
    isEncoder: false,
    call: ({ connection }, argument) => void connection.sendFrames([Uint8Array.of(1, 2), argument as Bytes]),
    adds: (end, kind) => {
      const bytes = addsRaw(end, kind);
      return bytes && Buffer.concat([Uint8Array.of(1, 2), bytes]);
    },
  },
  {
    name: 'close',
    isEncoder: false,
    call: ({ connection }, argument) => void connection.close(1000, argument as Payload),
    adds: adds(Opcode.Close),
  },
  {
    name: 'FrameEncoder.frame',
    isEncoder: true,
    call: ({ encoder }, argument) => encoder.frame(FIN | Opcode.Binary, argument as Payload),
    adds: adds(Opcode.Binary),
  },
  {
    name: 'FrameEncoder.frame as the first byte',
    isEncoder: true,
    call: ({ encoder }, argument) => encoder.frame(argument as number, 'abc'),
    adds: (end, { name }) => (name === 'number' ? end.frame(66, Buffer.from('abc')) : undefined),
  },
  {
    name: 'FrameEncoder.text',
    isEncoder: true,
    call: ({ encoder }, argument) => encoder.text(FIN | Opcode.Text, argument as string),
    adds: adds(Opcode.Text, 'text'),
  },
  {
    name: 'FrameEncoder.raw',
    isEncoder: true,
    call: ({ encoder }, argument) => encoder.raw(argument as Bytes),
    adds: addsRaw,
  },
  {
    name: 'FrameEncoder.raw, lent',
    isEncoder: true,
    call: ({ encoder }, argument) => encoder.raw(argument as Bytes, true),
    adds: addsRaw,
  },
  {
    name: 'reuse',
    isEncoder: true,
    call: ({ connection, encoder }, argument) => {
      connection.reuse(argument as Uint8Array);
      encoder.reuse(argument as Uint8Array);
    },
    adds: () => new Uint8Array(0),
  },
];

/** Values of their own, so that each has shared memory of its own. */
function valuesOf(kernels: Kernels): [string, () => Values][] {
  return [
    ['plain', (): Values => ({ ...plainValues })],
    ['node', (): Values => makeNodeValues(kernels)],
  ];
}

describe.each(kernelSets)('two connections on $name', (kernels) => {
  describe.each(valuesOf(kernels))('with %s values', (_, makeValues) => {
    for (const role of [Role.Server, Role.Client]) {
      const who = role === Role.Server ? 'servers' : 'clients';
      test.each(methods)(`${who} never give each other's bytes: $name of anything, at any point`, (method) => {
        for (const [point, prepare] of Object.entries(points)) {
          const values = makeValues();
          const filler = new FrameEncoder({ role: Role.Server, kernels, values });
          const fill = (): void => {
            filler.raw(NEARLY_ALL);
            filler.take();
          };
          for (const kind of argumentKinds) {
            const name = `${kind.name}: ${point}`;
            const a = new End(role, kernels, values);
            const b = new End(role, kernels, values);
            prepare(a, b, fill);
            a.call(() => method.call(a, kind.make()), method.adds(a, kind), method.isEncoder);
            b.speak('B', 40);
            a.speak('A', 20);
            b.speak('B', 10);
            a.take(false);
            b.take(false);
            a.judge(name);
            b.judge(name);
          }
        }
      });
    }
  });
});

test.each(kernelSets)('memory that is given back after a transfer harms no other connection on $name', (kernels) => {
  for (const length of [300, 3000, 15_000, 100_000]) {
    const options = { role: Role.Server, kernels, values: { ...plainValues } } as const;
    const [a, b] = [new Connection(options), new Connection(options)];
    for (let time = 0; time < 5; time++) {
      a.send(new Uint8Array(length / 2));
      a.send(new Uint8Array(length / 2));
      const [chunk] = a.takeOutput();
      if (time === 4) structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] });
      a.reuse(chunk);
    }
    for (const bytes of [10, length, length]) {
      const payload = new Uint8Array(bytes).fill(0x62);
      b.send(payload);
      expect(hex(Buffer.concat(b.takeOutput()).subarray(-bytes))).toBe(hex(payload));
    }
  }
});

test.each(kernelSets)('a lent payload for which memory is refused leaves no header behind on $name', (kernels) => {
  let isRefused = false;
  const view: Values['view'] = (memory, start, length) => {
    if (isRefused) throw new RangeError('Array buffer allocation failed');
    return plainValues.view(memory, start, length);
  };
  const connection = new Connection({ role: Role.Server, kernels, values: { ...plainValues, view } });
  connection.send('a');
  isRefused = true;
  expect(() => connection.send(new Uint8Array(70_000), { lent: true })).toThrow(RangeError);
  isRefused = false;
  connection.send('b');
  expect([connection.outputFrames, hex(Buffer.concat(connection.takeOutput()))]).toEqual([2, '810161810162']);
});

test.each(kernelSets)('a batch whose move out is refused memory stays its own on $name', (kernels) => {
  const options = { role: Role.Server, kernels, values: plainValues } as const;
  const [a, b] = [new Connection(options), new Connection(options)];
  const waiting = new Uint8Array(3000).fill(0x61);
  a.send(waiting);
  // Makes way for another connection's output in memory that the system refuses.
  const given = globalThis.Uint8Array;
  let refusals = 0;
  globalThis.Uint8Array = new Proxy(given, {
    construct(target, [length, ...rest]: unknown[], newTarget) {
      if (length !== waiting.length && typeof length === 'number' && length > waiting.length) {
        refusals++;
        throw new RangeError('Array buffer allocation failed');
      }
      return Reflect.construct(target, [length, ...rest], newTarget) as object;
    },
  });
  try {
    expect(() => b.send('secret')).toThrow(RangeError);
  } finally {
    globalThis.Uint8Array = given;
  }
  expect(refusals).toBe(1);
  b.send('SECRET');
  expect(hex(Buffer.concat(a.takeOutput()))).toBe(hex(frameOf(Role.Server, FIN | Opcode.Binary, waiting)));
  expect(hex(Buffer.concat(b.takeOutput()))).toBe(hex(frameOf(Role.Server, FIN | Opcode.Text, Buffer.from('SECRET'))));
});
