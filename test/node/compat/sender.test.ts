// Sender, held against that of `ws`: what it writes, byte by byte, for the same calls with the same masking keys.
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { PerMessageDeflate } from '../../../src/node/compat/permessage-deflate.js';
import { Sender, type SenderFrameOptions } from '../../../src/node/compat/sender.js';
import { decodeFrame } from '../../support/raw-peer.js';
import { outcome } from '../../support/ws-internals.js';

interface Deflate {
  accept(offers: Record<string, true[]>[]): void;
  cleanup(): void;
}
interface Package {
  Sender: typeof Sender;
  PerMessageDeflate: new (options: object) => Deflate;
}
const ws = createRequire(import.meta.url)('ws') as Package;

const BOTH: Readonly<Record<string, typeof Sender>> = { ws: ws.Sender, ours: Sender };

/** Keys 00000001, 00000002 and so on. */
function countingMask(): (mask: Buffer) => void {
  let count = 0;
  return (mask) => void mask.writeUInt32BE(++count);
}

interface Writing {
  socket: PassThrough;
  sender: Sender;
  written: () => Buffer;
}

function writing(SenderClass: typeof Sender, extensions?: Record<string, unknown>): Writing {
  const socket = new PassThrough({ highWaterMark: 1024 * 1024 });
  const sender = new SenderClass(socket, extensions, countingMask());
  // Node 26 reads one chunk at a time, older ones all that there is.
  const written = (): Buffer => {
    const chunks: Buffer[] = [];
    for (let chunk; (chunk = socket.read() as Buffer | null) !== null;) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  return { socket, sender, written };
}

function deflate(
  DeflateClass: new (options: object) => Deflate = ws.PerMessageDeflate,
  options: object = {},
  offer: Record<string, true[]> = {},
): Deflate {
  const extension = new DeflateClass({ isServer: true, threshold: 10, ...options });
  extension.accept([offer]);
  return extension;
}

const MESSAGE = { binary: false, compress: false, fin: true, mask: false };
const FRAME: SenderFrameOptions = { fin: true, opcode: 1, rsv1: false, mask: false, readOnly: false };
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536];

/** What the two make of the same calls. */
const SCRIPTS: Readonly<Record<string, (sender: Sender) => void>> = {
  'text and binary messages': (sender) => {
    sender.send('text é€😀', MESSAGE);
    sender.send('', MESSAGE);
    sender.send('masked', { ...MESSAGE, mask: true });
    sender.send(Buffer.from('binary'), { ...MESSAGE, binary: true });
    sender.send(Buffer.from('text in a buffer'), { ...MESSAGE, mask: true });
    sender.send('binary from a string', { ...MESSAGE, binary: true });
  },
  'every kind of bytes': (sender) => {
    const octets = new Uint8Array([9, 1, 2, 3, 4, 9]);
    const views = [
      octets.subarray(1, 5),
      new DataView(octets.buffer, 1, 4) as unknown as Uint8Array,
      new Uint16Array([1, 2, 300]) as unknown as Uint8Array,
      octets.buffer as unknown as Uint8Array,
    ];
    for (const mask of [false, true]) {
      for (const view of views) sender.send(view, { ...MESSAGE, binary: true, mask });
    }
    expect([...octets]).toEqual([9, 1, 2, 3, 4, 9]);
  },
  fragments: (sender) => {
    sender.send('one', { ...MESSAGE, fin: false });
    sender.ping('between', false);
    sender.send('two', { ...MESSAGE, binary: true, fin: false });
    sender.send('three', MESSAGE);
    sender.send(Buffer.from('next'), { ...MESSAGE, binary: true });
  },
  'control frames': (sender) => {
    for (const mask of [false, true]) {
      sender.ping('p', mask);
      sender.pong(Buffer.from('q'), mask);
      sender.ping('', mask);
      sender.ping(new Uint8Array([1, 2, 3]).buffer, mask);
      sender.pong('x'.repeat(125), mask);
    }
  },
  'Close frames': (sender) => {
    sender.close(undefined, undefined, false);
    sender.close(undefined, 'without a code it is dropped', false);
    sender.close(1000, undefined, true);
    sender.close(1000, '', false);
    sender.close(4999, 'réason', true);
    sender.close(1001, Buffer.from('x'.repeat(123)), false);
  },
};

describe('Sender', () => {
  it.each(Object.entries(SCRIPTS))('writes for %s what that of ws does', (_what, script) => {
    const [theirs, ours] = [writing(ws.Sender), writing(Sender)];
    script(theirs.sender);
    script(ours.sender);
    const written = ours.written();
    expect(written).toEqual(theirs.written());
    expect(written.length).toBeGreaterThan(0);
  });

  it.each(LENGTHS)('writes messages and frames of %i bytes as that of ws does', (length) => {
    const data = Buffer.alloc(length, 'abcdefg');
    for (const mask of [false, true]) {
      const [theirs, ours] = [writing(ws.Sender), writing(Sender)];
      for (const { sender } of [theirs, ours]) sender.send(data, { ...MESSAGE, mask });
      expect(ours.written().equals(theirs.written())).toBe(true);
      for (const readOnly of [false, true]) {
        const frames = [ws.Sender, Sender].map((SenderClass) =>
          SenderClass.frame(Buffer.from(data), { ...FRAME, mask, readOnly, generateMask: countingMask() }),
        );
        expect(frames[1].map((part) => part.length)).toEqual(frames[0].map((part) => part.length));
        expect(Buffer.concat(frames[1]).equals(Buffer.concat(frames[0]))).toBe(true);
      }
    }
  });

  it.each([
    ['a code out of range', (sender: Sender) => sender.close(999, '', false)],
    ['a reserved code', (sender: Sender) => sender.close(1005, '', false)],
    ['a code that is no number', (sender: Sender) => sender.close('1000' as never, '', false)],
    ['a long reason', (sender: Sender) => sender.close(1000, 'é'.repeat(62), false)],
    ['a long ping', (sender: Sender) => sender.ping('é'.repeat(63), false)],
    ['a long pong', (sender: Sender) => sender.pong(Buffer.alloc(126), false)],
    ['a long Blob in a ping', (sender: Sender) => sender.ping(new Blob(['x'.repeat(126)]), false)],
  ])('refuses %s as that of ws does', (_what, call) => {
    const [theirs, ours] = [writing(ws.Sender), writing(Sender)];
    const expected = outcome(() => call(theirs.sender));
    expect(outcome(() => call(ours.sender))).toEqual(expected);
    expect(expected).toHaveProperty('fault');
    expect(ours.written()).toHaveLength(0);
  });

  it('compresses with a PerMessageDeflate what that of ws does, in fragments too, and keeps the order', async () => {
    const outputs: Buffer[] = [];
    for (const SenderClass of [ws.Sender, Sender]) {
      const extension = deflate();
      const { sender, written } = writing(SenderClass, { 'permessage-deflate': extension });
      await new Promise((resolve) => {
        sender.send('compressed compressed compressed', { ...MESSAGE, compress: true });
        sender.ping('p', false);
        sender.send('not compressed', MESSAGE);
        sender.send('frag', { ...MESSAGE, compress: true, fin: false });
        sender.send('ment', { ...MESSAGE, compress: false, fin: true });
        sender.send(Buffer.from('short'), { ...MESSAGE, binary: true, compress: true, mask: true });
        sender.close(1000, 'bye', false, resolve);
      });
      outputs.push(written());
      extension.cleanup();
    }
    expect(outputs[1]).toEqual(outputs[0]);
  });

  it('leaves messages below the threshold uncompressed where no context is kept, as that of ws does', async () => {
    const outputs: Buffer[] = [];
    for (const [SenderClass, DeflateClass] of [
      [ws.Sender, ws.PerMessageDeflate],
      [Sender, ws.PerMessageDeflate],
      [Sender, PerMessageDeflate],
    ] as const) {
      const extension = deflate(
        DeflateClass,
        { serverNoContextTakeover: true },
        { server_no_context_takeover: [true] },
      );
      const { sender, written } = writing(SenderClass, { 'permessage-deflate': extension });
      sender.send('x'.repeat(9), { ...MESSAGE, compress: true });
      sender.send('x'.repeat(9), { ...MESSAGE, compress: true, fin: false });
      sender.send('x'.repeat(99), { ...MESSAGE, compress: true });
      await new Promise((resolve) => {
        sender.send('x'.repeat(10), { ...MESSAGE, compress: true }, resolve);
      });
      outputs.push(written());
      extension.cleanup();
    }
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).toEqual(outputs[0]);
    expect(outputs[1][0] & 0x40).toBe(0);
  });
});

describe.each(Object.entries(BOTH))('Sender of %s', (_name, SenderClass) => {
  it('frame: hands back the data, masks it in place unless it is read-only, and leaves the zero key out', () => {
    const data = Buffer.from('payload');
    expect(SenderClass.frame(data, FRAME)[1]).toBe(data);
    const zero = { ...FRAME, mask: true, readOnly: true, generateMask: (mask: Buffer) => void mask.fill(0) };
    expect(SenderClass.frame(data, zero)[1]).toBe(data);
    const copy = Buffer.from(data);
    expect(SenderClass.frame(copy, { ...FRAME, mask: true, readOnly: true })).toHaveLength(1);
    expect(copy).toEqual(data);
    const maskBuffer = Buffer.alloc(4);
    const [header, masked] = SenderClass.frame(copy, { ...FRAME, mask: true, maskBuffer });
    expect(masked).toBe(copy);
    expect(header.subarray(2)).toEqual(maskBuffer);
    expect(decodeFrame(Buffer.concat([header, masked]))?.payload).toEqual(data);
  });

  it('frame: draws another random key for each frame', () => {
    const keys = Array.from({ length: 100 }, () =>
      SenderClass.frame(Buffer.from('x'), { ...FRAME, mask: true })[0].toString('hex', 2, 6),
    );
    expect(new Set(keys).size).toBeGreaterThan(95);
  });

  it('calls generateMask with four bytes, once a masked frame, none for others', () => {
    const generateMask = vi.fn((mask: Buffer) => void mask.fill(1));
    const sender = new SenderClass(new PassThrough(), {}, generateMask);
    sender.send('x', { ...MESSAGE, mask: true });
    sender.ping('x', true);
    sender.send('x', MESSAGE);
    expect(generateMask.mock.calls.map(([mask]) => mask.length)).toEqual([4, 4]);
  });

  it('sendFrame: writes one buffer or two, and calls back when they are written', async () => {
    const { sender, written } = writing(SenderClass);
    await new Promise((resolve) => {
      sender.sendFrame([Buffer.from('ab')]);
      sender.sendFrame([Buffer.from('cd'), Buffer.from('ef')], resolve);
    });
    expect(String(written())).toBe('abcdef');
  });

  it('reads a Blob and keeps what is sent meanwhile behind it, callbacks in order', async () => {
    const { sender, written } = writing(SenderClass);
    const order: number[] = [];
    await new Promise<void>((resolve) => {
      sender.send(new Blob(['blob']), { ...MESSAGE, binary: true }, () => order.push(1));
      sender.send('text', MESSAGE, () => order.push(2));
      sender.ping(new Blob(['ping']), false, () => order.push(3));
      sender.close(1000, undefined, false, () => {
        order.push(4);
        resolve();
      });
    });
    expect(order).toEqual([1, 2, 3, 4]);
    const expected = ['8204', '626c6f62', '8104', '74657874', '8904', '70696e67', '8802', '03e8'];
    expect(written().toString('hex')).toBe(expected.join(''));
  });

  it('calls back with an error, for what waits too, when the socket goes while a Blob is read', async () => {
    const { sender, socket } = writing(SenderClass);
    const errors = new Promise<(Error | null | undefined)[]>((resolve) => {
      const seen: (Error | null | undefined)[] = [];
      sender.send(new Blob(['x']), MESSAGE, (error) => seen.push(error));
      sender.send('y', MESSAGE, (error) => resolve([...seen, error]));
    });
    socket.destroy();
    for (const error of await errors) {
      expect(error?.message).toBe('The socket was closed while the blob was being read');
    }
  });

  it('calls back with an error, for what waits too, when the socket goes while data is compressed', async () => {
    const extension = deflate();
    const { sender, socket } = writing(SenderClass, { 'permessage-deflate': extension });
    const errors = new Promise<(Error | null | undefined)[]>((resolve) => {
      const seen: (Error | null | undefined)[] = [];
      sender.send('x'.repeat(99), { ...MESSAGE, compress: true }, (error) => seen.push(error));
      sender.send('y', MESSAGE, (error) => resolve([...seen, error]));
    });
    socket.destroy();
    for (const error of await errors) {
      expect(error?.message).toBe('The socket was closed while data was being compressed');
    }
    extension.cleanup();
  });
});
