/** Every argument of send, ping, pong and close with the values that a careless caller passes. */
import { describe } from 'vitest';
import type { Client, Implementation, SendCallback } from './implementations.js';
import { comparing, ODD_VALUES, thrown, type Outcome, type OddValue, type Differences } from './odd-values.js';
import type { RawRole } from '../../support/raw-peer.js';
import { ownedPairOfStreams } from './streams.js';

type Call = (ws: Client, value: unknown) => void;

/** The frames that one call writes, or what it throws, and the state that it leaves. */
function framesOf(role: RawRole, call: Call) {
  return async (implementation: Implementation, value: unknown): Promise<Outcome> => {
    const { ws, peer } = ownedPairOfStreams(implementation, { role });
    let error: unknown;
    try {
      call(ws, value);
    } catch (reason) {
      error = reason;
    }
    if (error !== undefined) return `${thrown(error)}, readyState ${ws.readyState}`;
    if (ws.readyState === ws.OPEN) ws.ping('last');
    const outcome: string[] = [];
    for (;;) {
      const { fin, opcode, masked, payload } = await peer.readFrame();
      if (opcode === 9 && payload.toString() === 'last') break;
      outcome.push(`${fin ? 'FIN ' : ''}${opcode} ${masked ? 'masked ' : ''}${payload.toString('hex')}`);
      if (opcode === 8) break;
    }
    return outcome.join(', ');
  };
}

// Called as a function, a class throws where nobody can catch it.
const callable: readonly OddValue[] = ODD_VALUES.filter(([name]) => name !== 'a class');

describe('odd arguments', () => {
  for (const role of ['server', 'client'] as const) {
    const of = `of a ${role}`;
    const frames = (call: Call) => framesOf(role, call);
    const callback: SendCallback = () => {};
    comparing(
      `send(value) ${of}`,
      frames((ws, value) => ws.send(value, callback)),
    );
    // An inherited option counts here.
    const inherited = { 'an object that inherits': role === 'client' ? 'FIN 2 masked 78' : 'FIN 2 78' };
    comparing(
      `send('x', value) ${of}`,
      frames((ws, value) => ws.send('x', value as object)),
      inherited,
      callable,
    );

    comparing(
      `send('x', {}, value) ${of}`,
      frames((ws, value) => ws.send('x', {}, value as SendCallback)),
      {},
      callable,
    );
    for (const name of ['binary', 'fin', 'compress', 'mask']) {
      // RFC 6455 5.1: a client masks, even with `mask: undefined`.
      const masks: Differences = name === 'mask' && role === 'client' ? { undefined: 'FIN 1 masked 78' } : {};
      comparing(
        `send('x', { ${name}: value }) ${of}`,
        frames((ws, value) => ws.send('x', { [name]: value })),
        masks,
      );
    }
    for (const name of ['ping', 'pong'] as const) {
      comparing(
        `${name}(value) ${of}`,
        frames((ws, value) => ws[name](value)),
        {},
        callable,
      );
      comparing(
        `${name}('x', value) ${of}`,
        frames((ws, value) => ws[name]('x', value as boolean)),
        {},
        callable,
      );
      comparing(
        `${name}('x', undefined, value) ${of}`,
        frames((ws, value) => ws[name]('x', undefined, value as SendCallback)),
        {},
        callable,
      );
    }
    comparing(
      `close(value) ${of}`,
      frames((ws, value) => ws.close(value)),
    );
    comparing(
      `close(1011, value) ${of}`,
      frames((ws, value) => ws.close(1011, value)),
    );
    comparing(
      `close(undefined, value) ${of}`,
      frames((ws, value) => ws.close(undefined, value)),
    );
  }

  const closing =
    (call: Call) =>
    (implementation: Implementation, value: unknown): Outcome => {
      const { ws } = ownedPairOfStreams(implementation);
      ws.close();
      const before = ws.bufferedAmount;
      try {
        call(ws, value);
      } catch (error) {
        return thrown(error);
      }
      return `${ws.bufferedAmount - before} more`;
    };
  comparing(
    'send(value) while closing',
    closing((ws, value) => ws.send(value)),
  );
  comparing(
    'ping(value) while closing',
    closing((ws, value) => ws.ping(value)),
    {},
    callable,
  );
  comparing(
    "send('x', value) while closing",
    closing((ws, value) => ws.send('x', value as object)),
    {},
    callable,
  );
  comparing(
    "send('x', {}, value) while closing",
    closing((ws, value) => ws.send('x', {}, value as SendCallback)),
    {},
    callable,
  );

  comparing('binaryType = value', (implementation, value) => {
    const { ws } = ownedPairOfStreams(implementation);
    ws.binaryType = value as string;
    return ws.binaryType;
  });
});
