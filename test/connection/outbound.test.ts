import { describe, expect, test } from 'vitest';
import { FrameEncoder } from '../../src/codec/frame-encoder.js';
import { Outbound, type Fragment, type FragmentSource } from '../../src/connection/outbound.js';
import { violationError, type WebSocketError } from '../../src/errors/violations.js';
import { LATER, type Deflater } from '../../src/extensions/transform.js';
import { FIN, Opcode, Role } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import { plainValues } from '../../src/values/values.js';
import { decodeFrames } from '../support/raw-peer.js';

const TEXT = FIN | Opcode.Text;
const BINARY = FIN | Opcode.Binary;
const PING = FIN | Opcode.Ping;
const CLOSE = FIN | Opcode.Close;
/** Long enough to be handed on by reference where it is lent. */
const LONG = 70_000;
const broken = violationError(Violation.InvalidDeflate);

/** An outbound of a server, whose deflater answers with `answer`, and notes what it is asked. */
function server(answer: (payload: Uint8Array) => Uint8Array | WebSocketError | typeof LATER = () => LATER) {
  const asked: { isOctets: boolean; isLast: boolean }[] = [];
  const deflater: Deflater = {
    deflate(payload, isLast) {
      asked.push({ isOctets: payload instanceof Uint8Array, isLast });
      return answer(payload);
    },
    close() {},
  };
  const encoder = new FrameEncoder({ role: Role.Server });
  const outbound = new Outbound(encoder, plainValues, deflater);
  return {
    outbound,
    encoder,
    asked,
    send: (first: number, data: string | Uint8Array, counted = true): boolean =>
      outbound.frame(first, data, false, counted, false),
    compress: (first: number, data: string | Uint8Array): boolean => outbound.frame(first, data, true, true, false),
    /** What has been written, after all has been pulled that is ready. */
    written: (): string[] => {
      for (let fragment = outbound.pull(); fragment !== undefined; fragment = outbound.pull())
        outbound.pulled(fragment);
      return decodeFrames(Buffer.concat(encoder.take())).map(({ payload }) => payload.toString());
    },
  };
}

const sourceOf = (...fragments: Fragment[]): FragmentSource => ({ pull: () => fragments.shift() });
const fragment = (text: string, last: boolean): Fragment => ({ data: Buffer.from(text), last });
const octets = (text: string): Uint8Array => Buffer.from(text);

describe('Outbound', () => {
  test('says of each frame whether it has been written', () => {
    const { outbound, send, compress, written } = server();
    outbound.pullFrom(sourceOf(fragment('three', false)), Opcode.Text);
    expect(send(PING, octets('ping'))).toBe(true);
    expect(send(CLOSE, octets('close'))).toBe(false);
    expect(send(TEXT, 'four')).toBe(false);
    expect(compress(TEXT, 'five')).toBe(false);
    outbound.encoded(Uint8Array.of(TEXT, 1, 0x36), false);
    expect([written(), outbound.waiting, outbound.takeReleased()]).toEqual([['ping', 'three'], 5, 0]);
  });

  test('5.4 a source waits for what the deflater has, and one frame is compressed at a time', () => {
    const { outbound, send, compress, written } = server();
    compress(TEXT, 'one');
    outbound.pullFrom(sourceOf(fragment('two', true)), Opcode.Text);
    compress(TEXT, 'three');
    send(TEXT, 'four');
    expect([outbound.mayPull, written(), outbound.waitingBytes]).toEqual([false, [], 3 + 5 + 4]);
    outbound.deflated(octets('*one'));
    expect([outbound.mayPull, outbound.takeReleased()]).toEqual([true, 1]);
    expect(written()).toEqual(['*one', 'two']);
    expect([outbound.waiting, outbound.waitingBytes, outbound.takeReleased()]).toEqual([2, 5 + 4, 1]);
    outbound.deflated(octets('*three'));
    expect([written(), outbound.waitingBytes, outbound.takeReleased()]).toEqual([['*three', 'four'], 0, 2]);
    compress(TEXT, 'five');
    compress(TEXT, 'six');
    send(TEXT, 'seven');
    outbound.deflated(octets('*five'));
    expect([written(), outbound.waiting]).toEqual([['*five'], 2]);
    outbound.deflated(octets('*six'));
    expect(written()).toEqual(['*six', 'seven']);
  });

  test('RFC 7692 7.2.3 the deflater is given bytes, and told which of them end a message', () => {
    const { asked, compress } = server((payload) => payload);
    compress(Opcode.Text, 'text');
    compress(FIN | Opcode.Continuation, octets('octets'));
    expect(asked).toEqual([
      { isOctets: true, isLast: false },
      { isOctets: true, isLast: true },
    ]);
  });

  test('a frame that fails is not counted as written, nor is what nobody counts; a Close still waits its turn', () => {
    const { outbound, send, compress, written } = server();
    compress(TEXT, 'one');
    send(FIN | Opcode.Pong, octets('pong'), false);
    outbound.deflated(octets('*one'));
    expect([written(), outbound.takeReleased()]).toEqual([['*one', 'pong'], 1]);
    compress(TEXT, 'two');
    send(TEXT, 'three');
    send(CLOSE, octets('\x03\xe8'), false);
    outbound.deflated(broken);
    expect([outbound.failure === broken, outbound.waiting, outbound.waitingBytes]).toEqual([true, 0, 0]);
    expect([written().length, outbound.takeReleased()]).toEqual([1, 0]);
  });

  test('a source is pulled until a batch is 64 KiB long', () => {
    const { outbound, encoder } = server();
    // With its header of four bytes, each fragment is a quarter of that.
    outbound.pullFrom({ pull: () => ({ data: new Uint8Array(16_380), last: false }) }, Opcode.Binary);
    let pulled = 0;
    for (let next = outbound.pull(); next !== undefined; next = outbound.pull()) {
      outbound.pulled(next);
      pulled++;
    }
    expect([pulled, encoder.length]).toEqual([4, 65_536]);
  });

  test('what waited, and what the deflater has made, is written by reference when it is long', () => {
    const { outbound, encoder, compress, send } = server();
    const deflated = new Uint8Array(LONG);
    const frames = new Uint8Array(LONG);
    compress(BINARY, 'one');
    send(BINARY, new Uint8Array(LONG));
    outbound.encoded(frames, true);
    outbound.deflated(deflated);
    // Each but the last behind a header in a chunk of its own.
    const chunks = encoder.take();
    expect(chunks.map(({ length }) => length)).toEqual([10, LONG, 10, LONG, LONG]);
    expect([chunks[1] === deflated, chunks[4] === frames]).toEqual([true, true]);
  });

  test('bytes whose memory was detached are an empty frame, when they have to wait too', () => {
    const { outbound, compress, send, written } = server();
    const memory = new ArrayBuffer(100);
    const detached = new Uint8Array(memory);
    structuredClone(memory, { transfer: [memory] });
    compress(TEXT, 'one');
    expect(send(BINARY, detached)).toBe(false);
    outbound.encoded(detached, false);
    outbound.deflated(octets('*one'));
    expect(written()).toEqual(['*one', '']);
  });
});
