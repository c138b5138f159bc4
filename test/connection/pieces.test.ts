// Parts tell the facts of their frames, frames have a limit, sources have RSV bits and compression, control frames go first.
import { describe, expect, test } from 'vitest';
import { Connection, type ConnectionOptions } from '../../src/connection/connection.js';
import { EventType } from '../../src/connection/event.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { LATER, type Deflater } from '../../src/extensions/transform.js';
import { Role, RSV2 } from '../../src/spec/frame.js';
import { hex } from '../support/events.js';
import { KERNELS } from '../support/our-decoders.js';

/** Text of 5 bytes in a frame of 3 and one of 2, with a ping between them. */
const WIRE = Buffer.from('0103616263890080026465', 'hex');

class Slow implements Deflater {
  readonly asked: string[] = [];
  deflate(payload: Uint8Array, fin: boolean): typeof LATER {
    this.asked.push(`${Buffer.from(payload).toString()} ${fin}`);
    return LATER;
  }
  close(): void {}
}

describe.each(KERNELS)('on $name', (kernels) => {
  const connect = (options: Partial<ConnectionOptions> = {}): Connection =>
    new Connection({ role: Role.Client, kernels, ...options });
  const sent = (connection: Connection): string => hex(Buffer.concat(connection.takeOutput()));

  test('5.4 parts tell opcode, FIN, start, end and length of their frame at every cut', () => {
    for (let cut = 0; cut <= WIRE.length; cut++) {
      const connection = connect({ parts: true });
      const frames: string[] = [];
      let frame = '';
      for (const chunk of [WIRE.subarray(0, cut), WIRE.subarray(cut)]) {
        connection.receive(chunk);
        for (let event = connection.next(); event !== undefined; event = connection.next()) {
          if (event.type !== EventType.Part) continue;
          if (event.isFrameStart) frame = `${event.opcode} ${event.fin} ${event.frameLength} `;
          expect(frame.startsWith(`${event.opcode} ${event.fin} ${event.frameLength} `)).toBe(true);
          frame += Buffer.from(event.data).toString();
          if (event.isFrameEnd) frames.push(frame);
          expect(event.isLast).toBe(event.isFrameEnd && event.fin);
        }
      }
      expect(frames).toEqual(['1 false 3 abc', '0 true 2 de']);
    }
  });

  test('7.4.1 a frame past maxFramePayload fails with 1009 at every cut, whole messages and fragments alike', () => {
    for (const parts of [false, true]) {
      for (const [wire, fits] of [
        ['8203010203', true],
        ['820401020304', false],
        ['0103616263 8003646566', true],
        ['0103616263 800464656667', false],
        ['8104f09f9880', false],
        ['8103e28293', true],
      ] as const) {
        const bytes = Buffer.from(wire.replaceAll(' ', ''), 'hex');
        for (let cut = 0; cut <= bytes.length; cut++) {
          const connection = connect({ parts, maxFramePayload: 3 });
          for (const chunk of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
            connection.receive(chunk);
            while (connection.next() !== undefined);
          }
          expect(connection.failure?.closeCode).toBe(fits ? undefined : 1009);
        }
      }
    }
  });

  test('7.4.1 a long frame is refused by its header alone', () => {
    const connection = connect({ maxFramePayload: 1000, maxPayload: 0 });
    connection.receive(Buffer.from('827f000fffffffffffff', 'hex'));
    expect(connection.next()).toMatchObject({ type: EventType.Failure, error: { closeCode: 1009 } });
  });

  test('5.2 a source has RSV bits on its first frame', () => {
    const connection = connect({ role: Role.Server });
    const fragments = ['a', 'b'];
    connection.sendFrom(
      { pull: () => ({ data: fragments.shift()!, last: fragments.length === 0 }) },
      { binary: false, rsv: RSV2 },
    );
    expect(sent(connection)).toBe('210161800162');
    expect(() => connection.sendFrom({ pull: () => undefined }, { rsv: 0x80 })).toThrow(UsageError);
  });

  test('RFC 7692 6.1 a source is compressed fragment by fragment, and no further pulled while the deflater works', () => {
    const deflater = new Slow();
    const connection = connect({ role: Role.Server, deflater });
    const fragments = ['a', 'b'];
    let pulls = 0;
    connection.sendFrom(
      { pull: () => (pulls++, { data: fragments.shift()!, last: fragments.length === 0 }) },
      { compress: true },
    );
    connection.send('behind', { compress: false });
    expect([sent(connection), pulls, connection.queuedMessages]).toEqual(['', 1, 2]);
    expect(connection.ping('p')).toBe(true);
    connection.deflated(Buffer.from('A'));
    expect(sent(connection)).toBe('890170420141');
    connection.deflated(Buffer.from('B'));
    expect(sent(connection)).toBe('8001428106626568696e64');
    expect([deflater.asked, connection.takeReleased()]).toEqual([['a false', 'b true'], 2]);
  });

  test('RFC 7692 6.1 a source whose fragments are compressed at once is pulled on', () => {
    const deflater: Deflater = { deflate: (payload) => Uint8Array.from(payload, (byte) => byte - 32), close() {} };
    const connection = connect({ role: Role.Server, deflater });
    const fragments = ['a', 'b'];
    connection.sendFrom(
      { pull: () => ({ data: fragments.shift()!, last: fragments.length === 0 }) },
      { compress: true },
    );
    expect(sent(connection)).toBe('420141800142');
  });

  test('RFC 7692 7.2.1 a deflater that fails on a fragment fails the connection, and the source is told', () => {
    const connection = connect({ role: Role.Server, deflater: new Slow() });
    let cancels = 0;
    connection.sendFrom({ pull: () => ({ data: 'a', last: false }), cancel: () => cancels++ }, { compress: true });
    connection.takeOutput();
    connection.deflated(Object.assign(new Error('no'), { code: 'X', closeCode: 1011 }));
    expect(sent(connection)).toBe('880203f3');
    expect([cancels, connection.queuedMessages]).toEqual([1, 0]);
  });

  test('5.5.1 a Close does not wait for the fragment that is being compressed, whose result then comes too late', () => {
    const connection = connect({ role: Role.Server, deflater: new Slow() });
    let cancels = 0;
    connection.sendFrom({ pull: () => ({ data: 'a', last: false }), cancel: () => cancels++ }, { compress: true });
    connection.takeOutput();
    connection.close(1000);
    expect([sent(connection), cancels]).toEqual(['880203e8', 1]);
    connection.deflated(Buffer.from('A'));
    expect([sent(connection), connection.closeSent]).toEqual(['', 1000]);
  });

  test('6.1 a source that the end of the transport gives up is told by the usual loop, one after stopWriting at once', () => {
    const connection = connect({ role: Role.Server });
    let cancels = 0;
    const source = { pull: () => undefined, cancel: () => void cancels++ };
    connection.sendFrom(source);
    connection.receiveEnd();
    expect([connection.wantsWrite, cancels]).toEqual([true, 0]);
    while (connection.wantsWrite) connection.takeOutput();
    expect(cancels).toBe(1);
    const other = connect({ role: Role.Server });
    other.stopWriting();
    other.sendFrom(source);
    expect([cancels, other.wantsWrite]).toEqual([2, false]);
  });

  test('5.4 control frames overtake messages that wait for the deflater, or keep their turn where that is asked for', () => {
    for (const [controlFirst, expected] of [
      [undefined, ['8901708a0171', 'c10141']],
      [false, ['', 'c101418901708a0171']],
    ] as const) {
      const connection = connect({ role: Role.Server, deflater: new Slow(), controlFirst });
      connection.send('a');
      connection.ping('p');
      connection.pong('q');
      const first = sent(connection);
      connection.deflated(Buffer.from('A'));
      expect([first, sent(connection)]).toEqual(expected);
    }
  });
});
