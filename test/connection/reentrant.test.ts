// The caller's code that makes keys or compresses, and sends, closes or takes output itself: the stream stays right.
import { describe, expect, test } from 'vitest';
import { Connection, type ConnectionOptions } from '../../src/connection/connection.js';
import { EventType } from '../../src/connection/event.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { LATER } from '../../src/extensions/transform.js';
import { Role } from '../../src/spec/frame.js';
import { hex } from '../support/events.js';
import { KERNELS } from '../support/our-decoders.js';

const LETTER = Uint8Array.of(0x5a);
const take = (connection: Connection): string => hex(Buffer.concat(connection.takeOutput()));

/** A connection whose keys, zeros, and compressed frames, `Z`, are made while the list's next entry runs. */
class Reentrant {
  readonly atKey: (() => unknown)[] = [];
  readonly atDeflate: (() => typeof LATER | void)[] = [];
  readonly connection: Connection;
  constructor(options: Partial<ConnectionOptions>) {
    this.connection = new Connection({
      role: Role.Client,
      generateMask: () => this.atKey.shift()?.(),
      deflater: { deflate: () => this.atDeflate.shift()?.() ?? LETTER, close: () => undefined },
      ...options,
    });
  }
}

/** A source that gives one fragment, which is not the last, and has then nothing ready. */
function once(): { pull: () => { data: string; last: false } | undefined } {
  const left = ['a'];
  return { pull: () => (left.length === 0 ? undefined : { data: left.pop()!, last: false }) };
}
const nothing = (): undefined => undefined;
const noKey = (): never => {
  throw new Error('no key');
};

describe.each(KERNELS)('the caller’s code amid a frame on $name', (kernels) => {
  test('7.1.7 next throws no error of a source that a failure without a key abandons', () => {
    const { connection, atKey } = new Reentrant({ kernels });
    connection.sendFrom({ pull: nothing, cancel: noKey });
    connection.receive(Uint8Array.of(0x89, 0));
    atKey.push(noKey, noKey);
    expect([connection.next()?.type, connection.next()?.type]).toEqual([EventType.Ping, EventType.Failure]);
    expect(() => connection.takeOutput()).toThrow('no key');
    expect(take(connection)).toBe('');
  });

  test('5.4 nothing is sent into a message that dropSource has broken off', () => {
    const { connection, atKey } = new Reentrant({ kernels });
    connection.sendFrom(once());
    expect(take(connection)).toBe('02810000000061');
    atKey.push(() => connection.send('x', { compress: false }));
    connection.dropSource();
    expect([take(connection), connection.closeSent]).toEqual(['88820000000003f3', 1011]);
  });

  test('5.4 nothing goes on a message that a failure has dropped', () => {
    const { connection, atKey } = new Reentrant({ kernels });
    connection.sendFrom({ pull: nothing });
    connection.send('first', { fin: false });
    connection.receive(Uint8Array.of(0x89, 0));
    atKey.push(noKey, () => expect(() => connection.send('last')).toThrow(UsageError));
    expect([connection.next()?.type, connection.next()?.type]).toEqual([EventType.Ping, EventType.Failure]);
    expect([take(connection), connection.closeSent]).toEqual(['88820000000003f3', 1011]);
  });

  test('5.4 a frame is refused where a source is queued amid it, by its key or its compression', () => {
    const { connection, atKey } = new Reentrant({ kernels });
    atKey.push(() => connection.sendFrom(once()));
    expect(() => connection.close(1000)).toThrow(UsageError);
    expect([connection.closeQueued, take(connection)]).toEqual([undefined, '02810000000061']);
    connection.close(1000);
    expect(take(connection)).toBe('88820000000003e8');
    const { connection: other, atDeflate } = new Reentrant({ kernels });
    atDeflate.push(() => other.sendFrom(once()));
    expect(() => other.send('first', { fin: false })).toThrow(UsageError);
    expect([other.next()?.type, take(other)]).toEqual([EventType.Failure, '88820000000003f3']);
  });

  test('5.5.1 a Close is refused where a message that is compressed later is sent while its key is made', () => {
    const { connection, atKey, atDeflate } = new Reentrant({ kernels });
    atDeflate.push(() => LATER);
    atKey.push(() => connection.send('x'));
    expect(() => connection.close(1000)).toThrow(UsageError);
    expect([connection.close(1000), connection.queuedMessages]).toEqual([false, 2]);
    connection.deflated(LETTER);
    expect(take(connection)).toBe('c181000000005a88820000000003e8');
  });

  test('5.4 what is sent while a frame that has waited is compressed does not overtake it', () => {
    const { connection, atDeflate } = new Reentrant({ kernels });
    atDeflate.push(
      () => LATER,
      () => void connection.send('last'),
    );
    connection.send('x');
    connection.send('first', { fin: false });
    connection.deflated(LETTER);
    expect(connection.next()?.type).toBe(EventType.Failure);
    expect(take(connection)).toBe('c181000000005a88820000000003f3');
  });

  test('5.4 nothing that waits overtakes a frame that has come back compressed, while its key is made', () => {
    const { connection, atDeflate, atKey } = new Reentrant({ kernels });
    atDeflate.push(() => LATER);
    connection.send('first', { fin: false });
    connection.send('last');
    atKey.push(() => connection.dropSource());
    connection.deflated(LETTER);
    expect(connection.next()?.type).toBe(EventType.Failure);
    expect(take(connection)).toBe('88820000000003f3');
  });

  test('5.5.1 a Close that stopWriting writes again is not told as sent before it is written', () => {
    const { connection, atDeflate, atKey } = new Reentrant({ kernels });
    atDeflate.push(() => LATER);
    connection.send('x');
    connection.close(1000);
    atKey.push(() => {
      expect([connection.takeOutput(), connection.closeSent]).toEqual([[], undefined]);
    });
    connection.stopWriting();
    expect([connection.closeSent, take(connection), connection.closeSent]).toEqual([
      undefined,
      '88820000000003e8',
      1000,
    ]);
  });

  test('5.5.1 nor is it lost where stopWriting comes while its key is made', () => {
    const { connection, atDeflate, atKey } = new Reentrant({ kernels });
    atDeflate.push(() => LATER);
    connection.send('x');
    connection.close(1000);
    atKey.push(nothing, () => connection.stopWriting());
    connection.deflated(LETTER);
    expect([take(connection), connection.closeSent]).toEqual(['88820000000003e8', 1000]);
  });
});
