/** The arguments of a Sender's methods and of Sender.frame with the values that a careless caller passes. */
import { describe } from 'vitest';
import { RawPeer } from '../../support/raw-peer.js';
import { duplexPair } from './harness.js';
import type { Implementation, SenderInstance, SendCallback } from './implementations.js';
import { comparing, ODD_VALUES, thrown, type Differences, type OddValue, type Outcome } from './odd-values.js';

const OPTIONS = { binary: false, compress: false, fin: true, mask: false };

/** The frames that one call writes, or what it throws. */
function framesOf(call: (sender: SenderInstance, value: unknown) => void) {
  return async (implementation: Implementation, value: unknown): Promise<Outcome> => {
    const [socket, other] = duplexPair();
    const peer = new RawPeer(other, 'client');
    const sender = new implementation.Sender(socket);
    try {
      call(sender, value);
    } catch (error) {
      return thrown(error);
    }
    sender.ping('last', false);
    const outcome: string[] = [];
    for (;;) {
      const { fin, opcode, masked, payload } = await peer.readFrame();
      if (opcode === 9 && payload.toString() === 'last') break;
      outcome.push(`${fin ? 'FIN ' : ''}${opcode} ${masked ? 'masked ' : ''}${payload.toString('hex')}`);
    }
    socket.destroy();
    other.destroy();
    return outcome.join(', ');
  };
}

const callable: readonly OddValue[] = ODD_VALUES.filter(([name]) => name !== 'a class');

describe('odd arguments of a Sender', () => {
  const sending = (
    place: string,
    call: (sender: SenderInstance, value: unknown) => void,
    differences: Differences = {},
    values = ODD_VALUES,
  ): void => comparing(place, framesOf(call), differences, values);
  sending('send(value)', (sender, value) => sender.send(value, OPTIONS));
  sending(
    "send('x', options, value)",
    (sender, value) => sender.send('x', OPTIONS, value as SendCallback),
    {},
    callable,
  );
  for (const name of ['binary', 'fin', 'mask']) {
    sending(`send('x', { ${name}: value })`, (sender, value) => sender.send('x', { ...OPTIONS, [name]: value }));
  }
  for (const name of ['ping', 'pong'] as const) {
    sending(`${name}(value)`, (sender, value) => sender[name](value, false));
    sending(`${name}('x', value)`, (sender, value) => sender[name]('x', value as boolean));
    sending(
      `${name}('x', false, value)`,
      (sender, value) => sender[name]('x', false, value as SendCallback),
      {},
      callable,
    );
  }
  sending('close(value)', (sender, value) => sender.close(value as number, '', false));
  sending('close(1000, value)', (sender, value) => sender.close(1000, value, false));
});
