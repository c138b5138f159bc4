// A client whose source of masking keys fails: a Close that cannot be written is never told as sent, nor leaves a message open.
import { describe, expect, test } from 'vitest';
import { Connection, type ConnectionOptions } from '../../src/connection/connection.js';
import { EventType } from '../../src/connection/event.js';
import { State } from '../../src/connection/state.js';
import { LATER, type Deflater } from '../../src/extensions/transform.js';
import { Role } from '../../src/spec/frame.js';
import { hex } from '../support/events.js';
import { KERNELS } from '../support/our-decoders.js';

const busy: Deflater = { deflate: () => LATER, close: () => undefined };
const PEERS_CLOSE = Uint8Array.of(0x88, 0);

/** A client whose keys are zeros, until it is told to have none. */
function client(options: Partial<ConnectionOptions>): { connection: Connection; lose: (isLost: boolean) => void } {
  let isLost = false;
  const generateMask = (): void => {
    if (isLost) throw new Error('no key');
  };
  const connection = new Connection({ role: Role.Client, generateMask, ...options });
  return { connection, lose: (now) => void (isLost = now) };
}

const take = (connection: Connection): string => hex(Buffer.concat(connection.takeOutput()));

/** A source that gives one fragment, and has then nothing ready. */
const once = (): { pull: () => { data: string; last: false } | undefined } => {
  const left = ['a'];
  return { pull: () => (left.length === 0 ? undefined : { data: left.pop()!, last: false }) };
};

describe.each(KERNELS)('without masking keys on $name', (kernels) => {
  test('5.3 a Close that waits for the deflater, and for which there is then no key, was never sent', () => {
    const { connection, lose } = client({ kernels, deflater: busy });
    connection.send('a');
    connection.close(1000);
    lose(true);
    connection.deflated(Uint8Array.of(1));
    expect(connection.next()?.type).toBe(EventType.Failure);
    lose(false);
    expect([take(connection), connection.closeQueued, connection.closeSent]).toEqual(['', 1000, undefined]);
    expect([connection.state, connection.shouldEnd]).toEqual([State.Closed, true]);
  });

  test('5.3 stopWriting throws nothing where there is no key for the Close, and the connection can end', () => {
    const { connection, lose } = client({ kernels, deflater: busy });
    connection.send('a');
    connection.receive(PEERS_CLOSE);
    expect([connection.next()?.type, connection.state]).toEqual([EventType.Close, State.RemoteClosing]);
    lose(true);
    connection.stopWriting();
    expect([take(connection), connection.closeSent]).toEqual(['', undefined]);
    expect([connection.state, connection.shouldEnd]).toEqual([State.Closed, true]);
  });

  test('5.3 stopWriting amid a frame that a limit has cut loses the Close too', () => {
    const { connection, lose } = client({ kernels, deflater: busy });
    connection.ping('ab');
    connection.send('a');
    connection.close(1000);
    connection.takeOutput({ limit: 3 });
    lose(true);
    connection.stopWriting();
    expect([take(connection), connection.closeSent]).toEqual(['0000006162', undefined]);
  });

  test('5.5.1 close throws the error of the keys amid a message that is pulled, which then goes on', () => {
    const { connection, lose } = client({ kernels });
    const source = { ...once(), cancels: 0, cancel: () => void source.cancels++ };
    connection.sendFrom(source);
    expect(take(connection)).toBe('02810000000061');
    lose(true);
    expect(() => connection.close(1000)).toThrow('no key');
    lose(false);
    // Were the source gone, this message would stand amid the other (RFC 6455 5.4).
    connection.send('x');
    expect([take(connection), connection.queuedMessages, source.cancels]).toEqual(['', 2, 0]);
    connection.close(1001);
    expect([take(connection), source.cancels]).toEqual(['88820000000003e9', 1]);
  });

  test('5.4 dropSource fails the connection where there is no key for the Close amid a message', () => {
    const { connection, lose } = client({ kernels });
    connection.sendFrom(once());
    expect(take(connection)).toBe('02810000000061');
    lose(true);
    connection.dropSource();
    lose(false);
    expect(() => connection.send('x')).toThrow('closed');
    expect([connection.next()?.type, take(connection), connection.closeSent]).toEqual([
      EventType.Failure,
      '',
      undefined,
    ]);
  });

  test('a Close that dispose has dropped was never sent', () => {
    const connection = new Connection({ role: Role.Server, kernels });
    connection.close(1000);
    connection.dispose();
    expect([take(connection), connection.closeSent]).toEqual(['', undefined]);
  });
});
