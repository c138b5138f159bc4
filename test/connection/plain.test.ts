// Whole messages by `nextPlain`, everything else by `next`: both ways together tell what `next` alone tells.
import { expect, test } from 'vitest';
import { FrameEncoder } from '../../src/codec/frame-encoder.js';
import { Connection, type ConnectionOptions } from '../../src/connection/connection.js';
import { EventType, type ConnectionEvent } from '../../src/connection/event.js';
import { LATER } from '../../src/extensions/transform.js';
import { FIN, Opcode, Role, RSV1 } from '../../src/spec/frame.js';

const text = (letters: string): Uint8Array => new TextEncoder().encode(letters);

function makeWire(frames: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const encoder = new FrameEncoder({ role: Role.Client });
  for (const [first, payload] of frames) encoder.frame(first, payload);
  const chunks = encoder.take();
  const wire = new Uint8Array(chunks.reduce((octets, chunk) => octets + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    wire.set(chunk, at);
    at += chunk.length;
  }
  return wire;
}

const makeMixed = (): Uint8Array =>
  makeWire([
    [FIN | Opcode.Text, text('whole')],
    [FIN | Opcode.Binary, Uint8Array.of(1, 2, 3)],
    [FIN | Opcode.Ping, text('ping')],
    [Opcode.Text, text('a ')],
    [FIN | Opcode.Continuation, text('fragment')],
    [FIN | Opcode.Text, text('snow: ☃')],
    [FIN | Opcode.Binary, new Uint8Array()],
    [FIN | Opcode.Close, Uint8Array.of(3, 232)],
  ]);

/** What a connection tells of `wire`, cut at `cut`; and how many messages came by `nextPlain`. */
function read(wire: Uint8Array, cut: number, options: Partial<ConnectionOptions>, asksPlain: boolean) {
  const connection = new Connection({ role: Role.Server, ...options });
  const events: ConnectionEvent[] = [];
  let plain = 0;
  for (const chunk of [wire.slice(0, cut), wire.slice(cut)]) {
    connection.receive(chunk);
    for (;;) {
      const data = asksPlain ? connection.nextPlain() : undefined;
      if (data !== undefined) {
        plain++;
        events.push({ type: EventType.Message, data, isBinary: connection.isBinary, fragmentEnds: undefined });
        continue;
      }
      const event = connection.next();
      if (event === undefined) break;
      events.push(event);
    }
  }
  return { events, plain };
}

test.each<[string, Partial<ConnectionOptions>, number]>([
  ['octets', {}, 4],
  ['strings', { text: 'string' }, 2],
  ['parts', { parts: true }, 0],
])('whole messages and what comes between them, as %s, at every cut', (_name, options, plainMessages) => {
  const wire = makeMixed();
  expect(read(wire, wire.length, options, true).plain).toBe(plainMessages);
  for (let cut = 0; cut <= wire.length; cut++) {
    expect(read(wire, cut, options, true).events).toEqual(read(wire, cut, options, false).events);
  }
});

test('while fragments are noted, or the inflater is busy, `next` tells everything', () => {
  const wire = makeWire([
    [FIN | RSV1 | Opcode.Text, text('x')],
    [FIN | Opcode.Binary, Uint8Array.of(7)],
  ]);
  const inflater = { inflate: (): typeof LATER => LATER, close(): void {} };
  const connection = new Connection({ role: Role.Server, inflater });
  connection.receive(wire);
  expect(connection.nextPlain()).toBe(undefined);
  expect(connection.next()).toBe(undefined);
  expect(connection.nextPlain()).toBe(undefined);
  connection.inflated(text('inflated'));
  expect(connection.nextPlain()).toBe(undefined);
  expect(connection.next()).toMatchObject({ type: EventType.Message, data: text('inflated'), isBinary: false });
  connection.keepFragments = true;
  expect(connection.keepFragments).toBe(true);
  expect(connection.nextPlain()).toBe(undefined);
  connection.keepFragments = false;
  expect(connection.nextPlain()).toEqual(Uint8Array.of(7));
  expect([connection.isBinary, connection.nextPlain()]).toEqual([true, undefined]);
});
