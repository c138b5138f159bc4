// Messages that were compressed for many connections: the deflater of each learns of them in the order of the wire.
import { describe, expect, test } from 'vitest';
import { Connection } from '../../src/connection/connection.js';
import { LATER, type Deflater } from '../../src/extensions/transform.js';
import { Role } from '../../src/spec/frame.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const SHARED = Uint8Array.of(0xc1, 1, 0x2a);

/** A deflater that answers later, and notes all it hears in order. */
class Noting implements Deflater {
  readonly heard: string[] = [];
  deflate(payload: Uint8Array): typeof LATER {
    this.heard.push(`deflate ${Buffer.from(payload).toString()}`);
    return LATER;
  }
  learn(payload: Uint8Array): void {
    this.heard.push(`learn ${Buffer.from(payload).toString()}`);
  }
  close(): void {}
}

describe('a message that was compressed for many', () => {
  test('7.2.3.2 is learnt at once where nothing waits, and behind what waits otherwise', () => {
    const deflater = new Noting();
    const connection = new Connection({ role: Role.Server, deflater });
    expect(connection.sendShared(SHARED, bytes('one'))).toBe(true);
    connection.send('two');
    connection.send('three');
    expect(connection.sendShared(SHARED, bytes('four'))).toBe(false);
    // Not compressed: no window takes it in (RFC 7692 7.2.1).
    expect(connection.sendEncoded(Uint8Array.of(0x81, 1, 0x2a), true)).toBe(false);
    connection.send('five');
    expect(deflater.heard).toEqual(['learn one', 'deflate two']);
    connection.deflated(bytes('2'));
    expect(deflater.heard.slice(2)).toEqual(['deflate three']);
    connection.deflated(bytes('3'));
    expect(deflater.heard.slice(3)).toEqual(['learn four', 'deflate five']);
  });

  test('is sent without a deflater, or by one that does not learn, too', () => {
    for (const deflater of [undefined, { deflate: () => LATER, close() {} } as Deflater]) {
      const connection = new Connection({ role: Role.Server, deflater });
      expect(connection.sendShared(SHARED, bytes('one'))).toBe(true);
      if (deflater === undefined) continue;
      connection.send('two');
      expect(connection.sendShared(SHARED, bytes('three'))).toBe(false);
      connection.deflated(bytes('2'));
      expect(Buffer.concat(connection.takeOutput()).subarray(-3)).toEqual(Buffer.from(SHARED));
    }
  });
});
