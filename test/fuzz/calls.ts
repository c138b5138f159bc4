// `playCalls` makes random calls of the codec's public methods on ends that share memory, and finds bytes of one in what
// another gives.
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { FrameEncoder } from '../../src/codec/frame-encoder.js';
import { Connection } from '../../src/connection/connection.js';
import type { Fragment } from '../../src/connection/outbound.js';
import { LATER, type Deflater, type Inflater } from '../../src/extensions/transform.js';
import type { Kernels } from '../../src/kernels/kernels.js';
import { makeNodeValues } from '../../src/node/values.js';
import { FIN, Opcode, Role, RSV1 } from '../../src/spec/frame.js';
import { plainValues } from '../../src/values/values.js';
import { Random } from '../support/random.js';

export interface CallFindings {
  readonly calls: number;
  /** How many calls were refused. */
  readonly refused: number;
  /** Bytes that were looked at. */
  readonly bytes: number;
  readonly found: string[];
}

const ENDS = 4;
/** Each end writes and receives bytes of an alphabet of its own, of so many letters from 0x40 on. */
const LETTERS = 16;

/** Containers of bytes that a caller may pass. */
const CONTAINERS: readonly ((bytes: Uint8Array<ArrayBuffer>) => unknown)[] = [
  (bytes) => bytes,
  (bytes) => Buffer.from(bytes),
  (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  (bytes) => new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.length),
  (bytes) => new BigInt64Array(bytes.slice(0, bytes.length & ~7).buffer),
  (bytes) => new Float64Array(bytes.slice(0, bytes.length & ~7).buffer),
  (bytes) => new Uint16Array(bytes.slice(0, bytes.length & ~1).buffer),
  (bytes) => {
    const shared = new SharedArrayBuffer(bytes.length);
    new Uint8Array(shared).set(bytes);
    return shared;
  },
  (bytes) => Object.defineProperty(bytes.slice(), 'length', { value: 2 * bytes.length }),
  (bytes) => Buffer.from(bytes).toString('latin1'),
];

/** Values that are neither bytes nor text. */
const NONSENSE: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => 3,
  () => NaN,
  () => ({}),
  () => ({ length: 50, byteLength: 50 }),
  () => [65, 66],
  () => Array(3),
  () => Symbol('a'),
  () => 7n,
  () => new Proxy(new Uint8Array(9), {}),
  () => Object.create(Uint8Array.prototype) as unknown,
  () => new Date(0),
  () => () => 1,
];

/** A transform that changes nothing, and answers some payloads later. */
class Later {
  result: Uint8Array | undefined;

  constructor(private readonly isLater: () => boolean) {}

  take(payload: Uint8Array): Uint8Array | typeof LATER {
    if (this.result !== undefined) throw new Error('A payload came before the result of the last one');
    const copy = new Uint8Array(payload);
    if (!this.isLater()) return copy;
    this.result = copy;
    return LATER;
  }

  /** Passes on the result of a payload that was answered later. */
  settle(pass: (result: Uint8Array) => void): void {
    const { result } = this;
    this.result = undefined;
    if (result !== undefined) pass(result);
  }
}

/** Reads the frames of one source, wherever its output is cut, and finds payload bytes that are not of its end. */
class Output {
  private rest: Buffer = Buffer.alloc(0);
  private opcode = 0;
  /** Payload bytes of the frame that have not come, and those of them that are the code of a Close. */
  private left = 0;
  private code = 0;

  constructor(private readonly isForeign: (byte: number) => boolean) {}

  /** Whether the output so far ends with a frame. */
  get isWhole(): boolean {
    return this.left === 0 && this.rest.length === 0;
  }

  push(chunk: Uint8Array): string | undefined {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (;;) {
      const { rest } = this;
      if (this.left === 0) {
        if (rest.length < 2) return undefined;
        const short = rest[1] & 0x7f;
        const extra = short < 126 ? 0 : short === 126 ? 2 : 8;
        const length = 2 + extra + (rest[1] & 0x80 ? 4 : 0);
        if (rest.length < length) return undefined;
        this.opcode = rest[0] & 0x0f;
        this.left = extra === 0 ? short : extra === 2 ? rest.readUInt16BE(2) : rest.readUIntBE(4, 6);
        this.code = this.opcode === Opcode.Close ? Math.min(2, this.left) : 0;
        this.rest = rest.subarray(length);
      } else {
        if (rest.length === 0) return undefined;
        const payload = rest.subarray(0, this.left);
        const foreign = payload.subarray(this.code).findIndex(this.isForeign);
        if (foreign >= 0)
          return `a foreign byte at ${foreign} of ${payload.length} in a frame of opcode ${this.opcode}`;
        this.code = Math.max(0, this.code - payload.length);
        this.left -= payload.length;
        this.rest = rest.subarray(payload.length);
      }
    }
  }
}

/** One end: a connection, an encoder and a decoder, and the bytes from them that nothing may change any more. */
class End {
  readonly connection: Connection;
  readonly encoder: FrameEncoder;
  /** Reads frames to its role; a new one takes its place once it has stopped or stands amid a frame. */
  decoder: FrameDecoder;
  readonly sent: Output;
  readonly encoded: Output;
  isDisposed = false;
  private readonly kept: { chunk: Uint8Array; copy: Buffer }[] = [];

  constructor(
    readonly index: number,
    private readonly options: ConstructorParameters<typeof Connection>[0],
    readonly deflater: Later,
    readonly inflater: Later,
  ) {
    this.connection = new Connection(options);
    this.encoder = new FrameEncoder(options);
    this.decoder = this.newDecoder();
    this.sent = new Output(this.isForeign);
    this.encoded = new Output(this.isForeign);
  }

  /** Ends the connection: what was taken of its output may end within a frame. */
  dispose(): void {
    this.connection.dispose();
    this.isDisposed = true;
  }

  newDecoder(): FrameDecoder {
    return new FrameDecoder({ ...this.options, maxPayload: 1000 });
  }

  isForeign = (byte: number): boolean => Math.floor((byte - 0x40) / LETTERS) !== this.index;

  bytes(random: Random): Uint8Array<ArrayBuffer> {
    const length = random.oneIn(40)
      ? random.between(60_000, 140_000)
      : random.oneIn(4)
        ? random.below(3000)
        : random.below(130);
    const bytes = new Uint8Array(length);
    const start = random.below(LETTERS);
    for (let at = 0; at < length; at++) bytes[at] = 0x40 + LETTERS * this.index + ((start + at) % LETTERS);
    return bytes;
  }

  keep(chunk: Uint8Array): void {
    this.kept.push({ chunk, copy: Buffer.from(chunk) });
  }

  forget(chunk: Uint8Array): void {
    const at = this.kept.findIndex((kept) => kept.chunk === chunk);
    if (at >= 0) this.kept.splice(at, 1);
  }

  /** Whether all that was given and is kept is as it was. */
  isUnchanged(): boolean {
    return this.kept.every(({ chunk, copy }) => copy.equals(chunk));
  }

  chunk(random: Random): Uint8Array | undefined {
    return this.kept.length === 0 ? undefined : random.pick(this.kept).chunk;
  }
}

/** A frame with a masking key of zeros. */
function frameOf(role: Role, first: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  const mask = role === Role.Client ? 0x80 : 0;
  head[0] = first;
  head[1] = mask | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeUIntBE(length, 4, 6);
  return new Uint8Array(Buffer.concat([head, Buffer.alloc(mask === 0 ? 0 : 4), payload]));
}

/** Makes `calls` calls, a few hundred to each set of ends, until there is a finding. */
export function playCalls(seed: number, calls: number, kernels: Kernels): CallFindings {
  const random = new Random(seed);
  const found: string[] = [];
  let [made, refused, bytes] = [0, 0, 0];

  function argumentOf(end: End): unknown {
    return random.oneIn(4) ? random.pick(NONSENSE)() : random.pick(CONTAINERS)(end.bytes(random));
  }

  /** A length of output: often within a frame. */
  function someLength(): number {
    return 1 + random.below(random.oneIn(2) ? 40 : 90_000);
  }

  function look(end: End, from: Connection | FrameEncoder, chunk: Uint8Array): void {
    bytes += chunk.length;
    const wrong = (from instanceof Connection ? end.sent : end.encoded).push(chunk);
    if (wrong !== undefined) found.push(`output of end ${end.index}: ${wrong}`);
  }

  function take(end: End, from: Connection | FrameEncoder): void {
    if (random.oneIn(5)) {
      const target = new Uint8Array(someLength());
      return look(end, from, target.subarray(0, from.takeInto(target)));
    }
    takeChunks(end, from, random.oneIn(4) ? { limit: someLength() } : undefined);
  }

  function takeChunks(end: End, from: Connection | FrameEncoder, options?: { limit: number }): void {
    const chunks = from instanceof Connection ? from.takeOutput(options) : from.take(options);
    for (const chunk of chunks) {
      look(end, from, chunk);
      end.keep(chunk);
    }
    if (chunks.length !== 1 || random.oneIn(2)) return;
    end.forget(chunks[0]);
    from.reuse(chunks[0]);
  }

  function judge(end: End, data: Uint8Array, where: string): void {
    bytes += data.length;
    if (data.some(end.isForeign)) found.push(`${where} of end ${end.index} holds a foreign byte`);
    // A message is its reader's: nothing changes it any more.
    if (random.oneIn(8)) end.keep(data);
  }

  function read(end: End): void {
    const { connection } = end;
    for (let event = connection.next(); event !== undefined; event = connection.next()) {
      if (!('data' in event)) continue;
      judge(end, typeof event.data === 'string' ? Buffer.from(event.data) : event.data, `event ${event.type}`);
    }
  }

  /** Passes a chunk to the connection by one of its ways in. */
  function receive(end: End, chunk: Uint8Array<ArrayBuffer>): void {
    const { connection } = end;
    const way = random.below(4);
    if (way === 0 && chunk.length <= kernels.landingLength) {
      kernels.bytes.set(chunk, kernels.landingAddress);
      connection.receiveLanded(chunk.length);
    } else if (way === 1) connection.receiveOwned(chunk.slice());
    else connection.receive(chunk);
    if (random.oneIn(4)) connection.detach();
    read(end);
    connection.detach();
  }

  /** Asks for bytes at every turn, also where there is no piece. */
  function decode(end: End, chunk: Uint8Array): void {
    if (end.decoder.isStopped || !end.decoder.isIdle) end.decoder = end.newDecoder();
    const { decoder } = end;
    if (random.oneIn(2)) decoder.push(chunk);
    else decoder.pushOwned(chunk);
    do {
      const payload = decoder.payload();
      const copy = new Uint8Array(payload.length);
      decoder.copyTo(copy, 0);
      judge(end, payload, 'a piece');
      judge(end, copy, 'a copied piece');
      if (random.oneIn(8)) decoder.leave();
    } while (decoder.next());
  }

  /** One call, of anything. */
  function call(end: End, ends: readonly End[]): void {
    const { connection, encoder } = end;
    const argument = argumentOf(end) as string;
    switch (random.below(32)) {
      case 0:
      case 1:
      case 2:
        return void connection.send(argument, {
          binary: random.oneIn(2),
          fin: !random.oneIn(5),
          lent: random.oneIn(3),
          compress: random.oneIn(2),
        });
      case 3:
        return void connection.ping(argument);
      case 4:
        return void connection.pong(argument);
      case 5: {
        const frames = frameOf(Role.Server, FIN | Opcode.Binary, end.bytes(random));
        return void connection.sendFrames(random.pick(CONTAINERS.slice(0, 5))(frames) as Uint8Array, random.oneIn(2));
      }
      case 6:
        return void connection.sendFrames(random.pick(NONSENSE)() as Uint8Array);
      case 7:
        return connection.sendFrom({
          pull: () => (random.oneIn(3) ? undefined : ({ data: argumentOf(end), last: random.oneIn(3) } as Fragment)),
        });
      case 8:
        return connection.dropSource();
      case 9:
        if (random.oneIn(8)) connection.close(random.oneIn(4) ? random.below(5000) : 1000, argument);
        else if (random.oneIn(20)) random.pick([() => connection.stopWriting(), () => end.dispose()])();
        return;
      case 10:
        return encoder.text(FIN | Opcode.Text, argument);
      case 11:
      case 12:
        return encoder.frame(random.oneIn(4) ? random.below(300) : RSV1 | Opcode.Text, argument, random.oneIn(3));
      case 13:
        return encoder.raw(
          random.oneIn(2) ? (random.pick(NONSENSE)() as Uint8Array) : frameOf(Role.Server, 0x82, end.bytes(random)),
          random.oneIn(2),
        );
      case 14: {
        // An end's own last chunk is given back where it is taken; all others are not its own to give.
        const other = random.pick(ends);
        const chunk = other === end ? undefined : other.chunk(random);
        const given = chunk === undefined || random.oneIn(2) ? argument : chunk;
        connection.reuse(given as unknown as Uint8Array);
        return encoder.reuse(given as unknown as Uint8Array);
      }
      case 15:
        connection.congested = random.oneIn(2);
        return;
      case 16:
      case 17: {
        const opcode = random.pick([Opcode.Text, Opcode.Binary, Opcode.Ping, Opcode.Pong]);
        const isControl = opcode > Opcode.Binary;
        const first = FIN | opcode | (isControl || random.oneIn(2) ? 0 : RSV1);
        const payload = end.bytes(random);
        const frame = frameOf(
          end.index % 2 === 0 ? Role.Client : Role.Server,
          first,
          isControl ? payload.subarray(0, 125) : payload,
        );
        const cut = random.oneIn(2) ? frame.length : random.below(frame.length + 1);
        for (const chunk of [frame.slice(0, cut), frame.slice(cut)]) receive(end, chunk);
        return;
      }
      case 24:
      case 25: {
        const frame = frameOf(end.index % 2 === 0 ? Role.Client : Role.Server, FIN | Opcode.Binary, end.bytes(random));
        const cut = frame.slice(0, random.oneIn(2) ? frame.length : random.below(frame.length + 1));
        return decode(end, random.oneIn(4) ? Object.defineProperty(cut, 'length', { value: 2 * cut.length }) : cut);
      }
      case 18:
      case 19:
      case 20:
        return take(end, encoder);
      case 26:
      case 27:
        return encoder.beginFrame(
          random.oneIn(6) ? random.below(300) : FIN | Opcode.Binary,
          random.oneIn(20) ? random.below(100_000) : random.below(300),
        );
      case 28:
      case 29: {
        const { remaining } = encoder;
        const fits = random.oneIn(2) ? end.bytes(random).subarray(0, remaining) : (argument as unknown as Uint8Array);
        return encoder.payload(fits, random.oneIn(2));
      }
      case 30:
        end.deflater.settle((result) => connection.deflated(result));
        end.inflater.settle((result) => connection.inflated(result));
        return read(end);
      case 31:
        if (random.oneIn(8)) connection.stopReading();
        return;
      default:
        return take(end, connection);
    }
  }

  while (made < calls && found.length === 0) {
    const values = random.oneIn(2) ? { ...plainValues } : makeNodeValues(kernels);
    const ends = Array.from({ length: ENDS }, (_, index) => {
      const role = index % 2 === 0 ? Role.Server : Role.Client;
      const [deflating, inflating] = [0, 0].map(() => new Later(() => random.oneIn(3)));
      const deflater: Deflater = { deflate: (payload) => deflating.take(payload), close() {} };
      const inflater: Inflater = { inflate: (payload) => inflating.take(payload), close() {} };
      const options = {
        role,
        kernels,
        values,
        generateMask: (into: Uint8Array) => void into.fill(0),
        ...(random.oneIn(2) ? { deflater, inflater } : {}),
        ...(random.oneIn(3) ? { parts: true } : random.oneIn(2) ? { text: 'string' as const } : {}),
      };
      return new End(index, options, deflating, inflating);
    });
    for (let left = 400; left > 0 && made < calls; left--) {
      made++;
      const end = random.pick(ends);
      const before = [end.connection.outputLength, end.encoder.length];
      try {
        call(end, ends);
      } catch (error) {
        if (!(error instanceof Error) || !/^(UsageError|TypeError|RangeError)$/.test(error.name)) throw error;
        refused++;
      }
      if (![end.connection.outputLength, end.encoder.length, ...before].every(Number.isSafeInteger)) {
        found.push(`end ${end.index}: lengths ${end.connection.outputLength}, ${end.encoder.length}`);
      }
      if (found.length > 0) break;
    }
    for (const end of ends) {
      const { connection, encoder } = end;
      takeChunks(end, encoder);
      if (encoder.remaining === 0 && !end.encoded.isWhole) found.push(`end ${end.index}: its encoder's output is cut`);
      // A source that gives no fragment makes `takeOutput` throw.
      while (connection.queuedMessages > 0) {
        const before = connection.queuedMessages;
        end.deflater.settle((result) => connection.deflated(result));
        connection.dropSource();
        if (connection.queuedMessages < before) continue;
        found.push(`end ${end.index}: ${before} messages stay queued`);
        break;
      }
      takeChunks(end, connection);
      if (!end.isDisposed && !end.sent.isWhole) found.push(`end ${end.index}: its output is cut`);
    }
    for (const end of ends) if (!end.isUnchanged()) found.push(`end ${end.index}: a chunk was written over`);
  }
  return { calls: made, refused, bytes, found: found.map((finding) => `seed ${seed}, call ${made}: ${finding}`) };
}
