// A message that is pulled from a source never holds up a Close or a failure, and can be given up.
import { describe, expect, test } from 'vitest';
import { Connection, type ConnectionOptions } from '../../src/connection/connection.js';
import { EventType } from '../../src/connection/event.js';
import type { Fragment, FragmentSource } from '../../src/connection/outbound.js';
import { State } from '../../src/connection/state.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { LATER } from '../../src/extensions/transform.js';
import { Role } from '../../src/spec/frame.js';
import { hex } from '../support/events.js';
import { KERNELS } from '../support/our-decoders.js';

const PEERS_CLOSE = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9);
const PEERS_MISTAKE = Uint8Array.of(0x83, 0x80, 0, 0, 0, 0);

/** A source that counts what is asked of it, and gives `fragments` over and over. */
class Source implements FragmentSource {
  pulls = 0;
  cancels = 0;
  constructor(private readonly give: (pulls: number) => Fragment | undefined) {}
  pull(): Fragment | undefined {
    return this.give(++this.pulls);
  }
  cancel(): void {
    this.cancels++;
  }
}

const endless = (length: number): Source => new Source(() => ({ data: new Uint8Array(length), last: false }));
const idleAfter = (...texts: string[]): Source => {
  const left = [...texts];
  return new Source(() => (left.length === 0 ? undefined : { data: left.shift()!, last: false }));
};

describe.each(KERNELS)('a source on $name', (kernels) => {
  const server = (options: Partial<ConnectionOptions> = {}): Connection =>
    new Connection({ role: Role.Server, kernels, ...options });
  const take = (connection: Connection): string => hex(Buffer.concat(connection.takeOutput()));
  function receive(connection: Connection, chunk: Uint8Array): void {
    connection.receive(chunk);
    while (connection.next() !== undefined);
  }

  describe.each<[string, string, (connection: Connection) => void]>([
    ['a violation of the peer', '880203ea', (connection) => receive(connection, PEERS_MISTAKE)],
    ["the peer's Close", '880203e9', (connection) => receive(connection, PEERS_CLOSE)],
    ['close', '880203e8', (connection) => void connection.close(1000)],
  ])('5.5.1 %s', (_, closeFrame, end) => {
    test('goes out at the next border of a frame, and no more is pulled', () => {
      const connection = server();
      const source = endless(1024);
      connection.sendFrom(source);
      connection.sendFrom(endless(1));
      connection.send('behind it');
      connection.takeOutput();
      const { pulls } = source;
      end(connection);
      expect(take(connection)).toBe(closeFrame);
      expect([source.pulls, source.cancels]).toEqual([pulls, 1]);
      expect([connection.queuedMessages, connection.queuedOctets, connection.wantsWrite]).toEqual([0, 0, false]);
      if (connection.state === State.LocalClosing) receive(connection, PEERS_CLOSE);
      expect(connection.shouldEnd).toBe(true);
    });

    test('goes out where the source is not ready, has not begun, or has thrown', () => {
      for (const source of [
        idleAfter('a'),
        idleAfter(),
        new Source(() => {
          throw new Error('gone');
        }),
      ]) {
        const connection = server();
        connection.sendFrom(source);
        try {
          connection.takeOutput();
        } catch (error) {
          expect(error).toEqual(new Error('gone'));
        }
        end(connection);
        expect([take(connection), source.cancels, connection.wantsWrite]).toEqual([closeFrame, 1, false]);
        if (connection.state === State.LocalClosing) receive(connection, PEERS_CLOSE);
        expect(connection.shouldEnd).toBe(true);
      }
    });

    test('lets what the deflater has go out before it, and not the source behind that', () => {
      const connection = server({ deflater: { deflate: () => LATER, close() {} } });
      const source = endless(1);
      connection.send('one');
      connection.sendFrom(source);
      connection.send('two');
      end(connection);
      expect([take(connection), connection.queuedMessages]).toEqual(['', 2]);
      connection.deflated(Uint8Array.of(0x31));
      expect([take(connection), source.pulls, source.cancels]).toEqual(['c10131' + closeFrame, 0, 1]);
    });
  });

  test("7.1.5 the end of the peer's stream gives the source up", () => {
    const connection = server();
    const source = idleAfter('a');
    connection.sendFrom(source);
    take(connection);
    connection.receiveEnd();
    expect([connection.shouldEnd, take(connection), source.cancels]).toEqual([true, '', 1]);
  });

  test('what it throws reaches the caller once; what was written before goes out, and nothing is pulled again', () => {
    const connection = server();
    const source = new Source((pulls) => {
      if (pulls === 2) throw new Error('the disk is gone');
      return { data: 'a', last: false };
    });
    connection.send('before');
    connection.sendFrom(source);
    connection.send('behind');
    expect(() => connection.takeOutput()).toThrow('the disk is gone');
    expect(connection.wantsWrite).toBe(true);
    expect(take(connection)).toBe('81066265666f7265020161');
    expect([connection.wantsWrite, take(connection), source.pulls, source.cancels]).toEqual([false, '', 2, 0]);
  });

  test('dropSource: the connection goes on where nothing of the message was written', () => {
    const connection = server();
    const source = new Source(() => {
      throw new Error('the disk is gone');
    });
    connection.sendFrom(source);
    connection.send('b');
    connection.sendFrom(idleAfter('c'));
    expect(() => connection.takeOutput()).toThrow('the disk is gone');
    connection.dropSource();
    expect([source.cancels, connection.state]).toEqual([1, State.Open]);
    expect([connection.send('later'), take(connection)]).toEqual([false, '810162020163']);
    expect([connection.takeReleased(), connection.queuedMessages]).toEqual([1, 2]);
  });

  test('dropSource: a source that drops itself may throw then', () => {
    const connection = server();
    const source = new Source(() => {
      connection.dropSource();
      throw new Error('the disk is gone');
    });
    connection.sendFrom(source);
    connection.send('b');
    expect(() => connection.takeOutput()).toThrow('the disk is gone');
    expect([take(connection), source.pulls, source.cancels]).toEqual(['810162', 1, 1]);
  });

  test('dropSource: it closes with 1011 where the message has begun', () => {
    const connection = server();
    const source = idleAfter('a');
    connection.sendFrom(source);
    connection.send('behind');
    expect(take(connection)).toBe('020161');
    connection.dropSource();
    expect([take(connection), source.cancels, connection.closeSent]).toEqual(['880203f3', 1, 1011]);
    connection.dropSource();
    expect([take(connection), connection.state]).toEqual(['', State.LocalClosing]);
  });

  test('dropSource: the connection fails where the deflater throws for a message behind', () => {
    const deflate = (): never => {
      throw new Error('no memory');
    };
    const connection = server({ deflater: { deflate, close() {} } });
    const source = new Source(() => undefined);
    connection.sendFrom(source);
    connection.takeOutput();
    connection.send('behind');
    connection.dropSource();
    expect(connection.failure).toMatchObject({ closeCode: 1011 });
    expect(connection.next()).toMatchObject({ type: EventType.Failure, error: { cause: { message: 'no memory' } } });
    expect([take(connection), connection.shouldEnd, source.cancels]).toEqual(['880203f3', true, 1]);
  });

  test('dropSource: it closes with 1011 where a fragment is with the deflater, whose result then comes too late', () => {
    for (const written of [0, 1]) {
      const connection = server({ deflater: { deflate: () => LATER, close() {} } });
      const source = endless(3);
      connection.sendFrom(source, { compress: true });
      connection.send('behind');
      take(connection);
      if (written > 0) connection.deflated(Buffer.from('A'));
      expect(take(connection)).toBe(written > 0 ? '420141' : '');
      connection.dropSource();
      expect(connection.state).toBe(State.LocalClosing);
      connection.deflated(Buffer.from('late'));
      expect([take(connection), source.cancels, connection.closeSent]).toEqual(['880203f3', 1, 1011]);
      expect([connection.queuedMessages, connection.queuedOctets]).toEqual([0, 0]);
    }
  });

  test('5.5.1 a Close that waits goes out where the deflater throws before it, and after stopWriting', () => {
    for (const breaks of [true, false]) {
      let asked = 0;
      const deflate = (): typeof LATER => {
        if (asked++ > 0) throw new Error('no memory');
        return LATER;
      };
      const connection = server({ deflater: { deflate, close() {} } });
      connection.send('out', { compress: false });
      const first = hex(Buffer.concat(connection.takeOutput({ limit: 1 })));
      connection.send('a');
      connection.send('b');
      expect(connection.close(1000)).toBe(false);
      if (breaks) connection.deflated(Buffer.from('A'));
      else connection.stopWriting();
      const rest = take(connection);
      expect(first + rest).toBe(`81036f7574${breaks ? 'c10141' : ''}880203e8`);
      expect([connection.closeSent, connection.queuedMessages]).toEqual([1000, 0]);
      expect(connection.failure?.closeCode).toBe(breaks ? 1011 : undefined);
    }
  });

  test('dropSource does nothing where nothing is pulled', () => {
    const connection = server();
    connection.dropSource();
    connection.sendFrom(new Source(() => ({ data: 'a', last: true })));
    take(connection);
    connection.dropSource();
    expect([connection.state, connection.wantsWrite]).toEqual([State.Open, false]);
  });

  test('stopWriting and dispose tell it; a Close that was queued is not dropped', () => {
    const connection = server();
    const source = idleAfter('a');
    connection.send('never');
    connection.sendFrom(source);
    connection.stopWriting();
    expect([source.cancels, connection.wantsWrite, connection.send('never')]).toEqual([1, false, false]);
    const closing = server();
    closing.send('never');
    closing.close(1001, 'why');
    closing.stopWriting();
    closing.stopWriting();
    expect([closing.wantsWrite, take(closing), closing.wantsWrite]).toEqual([true, '880503e9776879', false]);
    receive(closing, PEERS_CLOSE);
    expect(closing.shouldEnd).toBe(true);
    const sent = server();
    sent.close(1000);
    take(sent);
    sent.stopWriting();
    expect([sent.wantsWrite, take(sent)]).toEqual([false, '']);
    const disposed = server();
    const last = idleAfter();
    disposed.sendFrom(last);
    disposed.dispose();
    expect([last.cancels, disposed.wantsWrite, disposed.shouldEnd]).toEqual([1, false, true]);
  });

  test('7.1.4 a peer that closes after stopWriting gets no answer, and the connection is over', () => {
    const connection = server();
    connection.stopWriting();
    receive(connection, PEERS_CLOSE);
    expect([connection.state, connection.shouldEnd, connection.closeQueued]).toEqual([State.Closed, true, undefined]);
  });

  test('`while (wantsWrite) takeOutput()` ends where it is not ready, and goes on once it is', () => {
    const connection = server();
    const fragments: Fragment[] = [{ data: 'a', last: false }];
    connection.sendFrom({ pull: () => fragments.shift() });
    const drain = (): string => {
      const chunks: Uint8Array[] = [];
      for (let turns = 0; connection.wantsWrite; turns++) {
        if (turns === 100) throw new Error('it never ends');
        chunks.push(...connection.takeOutput());
      }
      return hex(Buffer.concat(chunks));
    };
    expect([drain(), drain()]).toEqual(['020161', '']);
    fragments.push({ data: new Uint8Array(70_000), last: false }, { data: 'b', last: true });
    expect(connection.takeOutput().reduce((sum, { length }) => sum + length, 0)).toBe(70_010);
    expect([connection.wantsWrite, drain(), connection.wantsWrite]).toEqual([true, '800162', false]);
  });

  test('it may close the connection, drop itself or take the output while it is asked', () => {
    const closing = server();
    const closer = new Source(() => {
      closing.close(1000);
      return { data: 'never', last: true };
    });
    closing.sendFrom(closer);
    expect([take(closing), closer.cancels]).toEqual(['880203e8', 1]);
    const dropping = server();
    const dropper = new Source(() => {
      dropping.dropSource();
      return { data: 'never', last: true };
    });
    dropping.sendFrom(dropper);
    dropping.send('a');
    expect([take(dropping), dropper.cancels, dropping.state]).toEqual(['810161', 1, State.Open]);
    const taking = server();
    let inner = '';
    taking.send('a');
    taking.sendFrom(
      new Source(() => {
        inner += take(taking);
        return { data: 'b', last: true };
      }),
    );
    expect([take(taking), inner]).toEqual(['820162', '810161']);
  });

  test('5.4 it overtakes no frame whose key or payload takes the output while it is made', () => {
    for (const asks of ['key', 'payload']) {
      const taken: string[] = [];
      let connection: Connection | undefined;
      const takeNow = (): void => {
        if (connection !== undefined) taken.push(take(connection));
      };
      const generateMask = (into: Uint8Array): void => {
        into.fill(0);
        if (asks === 'key') takeNow();
      };
      const deflate = (payload: Uint8Array): Uint8Array => {
        if (asks === 'payload') takeNow();
        return payload;
      };
      connection = server({ role: Role.Client, generateMask, deflater: { deflate, close() {} } });
      connection.sendFrom(new Source(() => ({ data: 'a', last: true })));
      connection.send('b');
      connection.sendFrom(new Source(() => ({ data: 'c', last: true })));
      takeNow();
      expect(taken.join('').replaceAll('8100000000', '81')).toBe('828161c18162828163');
      expect(connection.failure).toBe(undefined);
    }
  });

  test('what `cancel` throws reaches the one who closes or takes the output, with nothing lost', () => {
    const moody = (): FragmentSource => ({
      pull: () => undefined,
      cancel() {
        throw new Error('cancel');
      },
    });
    const closing = server();
    closing.sendFrom(moody());
    expect(() => closing.close(1000)).toThrow('cancel');
    expect(take(closing)).toBe('880203e8');
    const failing = server();
    failing.sendFrom(moody());
    failing.receive(PEERS_MISTAKE);
    expect(failing.next()?.type).toBe(EventType.Failure);
    expect(() => failing.takeOutput()).toThrow('cancel');
    expect([take(failing), failing.shouldEnd]).toEqual(['880203ea', true]);
  });

  test('5.6 it may give text and any bytes; what else it gives is a UsageError, once', () => {
    const connection = server();
    const given: unknown[] = ['é', new DataView(Uint8Array.of(1, 2).buffer), Uint8Array.of(3).buffer];
    connection.sendFrom(new Source(() => ({ data: given.shift() as string, last: given.length === 0 })));
    expect(take(connection)).toBe('0202c3a900020102800103');
    for (const fragment of [null, 5, 'abc', {}, { data: 5, last: true }, { data: [1], last: true }]) {
      const other = server();
      other.send('a');
      other.sendFrom(new Source(() => fragment as unknown as Fragment));
      expect(() => other.takeOutput()).toThrow(UsageError);
      expect([take(other), other.wantsWrite, other.outputLength]).toEqual(['810161', false, 0]);
    }
    for (const source of [undefined, null, {}, { pull: 1 }]) {
      expect(() => connection.sendFrom(source as unknown as FragmentSource)).toThrow(UsageError);
    }
  });

  test('closeQueued tells of a Close that waits, closeSent of one that was handed out; a second close() returns false', () => {
    const connection = server();
    expect([connection.close(4000), connection.close(4001)]).toEqual([true, false]);
    expect([connection.closeQueued, connection.closeSent]).toEqual([4000, undefined]);
    expect([take(connection), connection.closeSent, connection.closeQueued]).toEqual(['88020fa0', 4000, 4000]);
    const later = server({ deflater: { deflate: () => LATER, close() {} } });
    later.send('one');
    expect([later.close(), take(later), later.closeQueued, later.closeSent]).toEqual([false, '', 1005, undefined]);
    later.deflated(Uint8Array.of(0x31));
    expect([take(later), later.closeSent]).toEqual(['c101318800', 1005]);
  });
});
