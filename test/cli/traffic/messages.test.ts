// Messages are put together and inflated as the peer would, with its window or without, whatever came before.
import { once } from 'node:events';
import { createDeflateRaw, constants, deflateRawSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { Messages } from '../../../src/cli/traffic/messages.js';

const COMPRESSED = 4;

/** Messages as one compressor writes them, its window kept. */
async function compressed(messages: readonly Buffer[]): Promise<Buffer[]> {
  const deflate = createDeflateRaw();
  const result: Buffer[] = [];
  for (const message of messages) {
    deflate.write(message);
    deflate.flush(constants.Z_SYNC_FLUSH);
    const chunks: Buffer[] = [];
    while (
      !Buffer.concat(chunks)
        .subarray(-4)
        .equals(Buffer.from([0, 0, 0xff, 0xff]))
    ) {
      const chunk = deflate.read() as Buffer | null;
      if (chunk === null) await once(deflate, 'readable');
      else chunks.push(chunk);
    }
    result.push(Buffer.concat(chunks).subarray(0, -4));
  }
  return result;
}

const frame = (payload: Buffer, rsv: number): Parameters<Messages['push']>[0] => {
  return { opcode: 2, fin: true, rsv, length: payload.length, payload };
};

it('7.2.3.2 inflates messages that refer to those before them, over more than a window', async () => {
  const messages = Array.from({ length: 40 }, (_, at) =>
    Buffer.from(Array.from({ length: 3000 }, (_, index) => (at % 7) * 31 + (index % 251))),
  );
  const reader = new Messages({ forgets: false });
  for (const [at, payload] of (await compressed(messages)).entries()) {
    const data = reader.push(frame(payload, COMPRESSED))?.message.data;
    expect(data && messages[at].equals(data), `message ${at}`).toBe(true);
    // Messages between them that are not compressed do not matter.
    expect(reader.push(frame(Buffer.from('plain'), 0))?.message.isCompressed).toBe(false);
  }
});

it('goes on after a message that does not inflate, where none refers to it', () => {
  const whole = deflateRawSync(Buffer.from('whole'), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  const forgetful = new Messages({ forgets: true });
  const broken = forgetful.push(frame(Buffer.from([0xff, 0xff, 0xff]), COMPRESSED));
  expect(broken).toMatchObject({ message: { data: undefined }, fault: { section: 'RFC 7692 7.2.2' } });
  expect(String(forgetful.push(frame(whole, COMPRESSED))?.message.data)).toBe('whole');
  const other = new Messages({ forgets: false });
  other.push(frame(Buffer.from([0xff, 0xff, 0xff]), COMPRESSED));
  expect(other.push(frame(whole, COMPRESSED))).toMatchObject({ message: { data: undefined }, fault: undefined });
});

it('inflates no bomb', () => {
  const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  expect(bomb.length).toBeLessThan(100_000);
  expect(new Messages({ forgets: true }).push(frame(bomb, COMPRESSED))?.message.data).toBeUndefined();
});
