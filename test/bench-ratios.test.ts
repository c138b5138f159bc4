// The regression gate: decoding and encoding in memory beside `ws`, in one process and in turns. Only ratios are judged,
// far below what `npm run bench` prints, so that a busy machine does not fail it and a lost fast path does.
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { measure, type Side } from '../bench/lib/rounds.mjs';
import { FrameEncoder } from '../src/codec/frame-encoder.js';
import { Connection } from '../src/connection/connection.js';
import { nodeValues } from '../src/node/values.js';
import type { Receiver as OurReceiver } from '../src/node/compat/receiver.js';
import type { Sender as OurSender } from '../src/node/compat/sender.js';
import { FIN, Opcode, Role } from '../src/spec/frame.js';

// What `ws` exports and its types leave out has the shape of our own.
const { Receiver, Sender } = createRequire(import.meta.url)('ws') as {
  Receiver: typeof OurReceiver;
  Sender: typeof OurSender;
};

const TIMES = { rounds: 9, slice: 40, warmUp: 200 };
const AT_LEAST = 2;

/** How many times as long the second side takes as the first, by the quickest round of each: what else a machine does only adds. */
function ratio<Input>(...sides: Side<Input>[]): number {
  const [ours, theirs] = measure(sides, TIMES);
  return theirs.lowest / ours.lowest;
}

test(`decoding text of 125 B takes ws at least ${AT_LEAST} times as long`, () => {
  const messages = 400;
  const encoder = new FrameEncoder({ role: Role.Client, values: nodeValues });
  for (let i = 0; i < messages; i++) encoder.text(FIN | Opcode.Text, 'x'.repeat(125));
  const chunk = Buffer.concat(encoder.take());
  const connection = new Connection({ role: Role.Server, values: nodeValues });
  const receiver = new Receiver({ isServer: true });
  let octets = 0;
  receiver.on('message', (data: Buffer) => (octets += data.length));

  // Both unmask in place: each pass works on a copy of its own.
  const side = (name: string, receive: (copy: Buffer) => void): Side<Buffer[]> => ({
    name,
    prepare: (count) => Array.from({ length: count }, () => Buffer.from(chunk)),
    run: (_count, copies) => {
      for (const copy of copies) receive(copy);
    },
    check: (count) => {
      expect(octets).toBe(count * messages * 125);
      octets = 0;
    },
  });
  const ours = side('wsimd', (copy) => {
    connection.receiveOwned(copy);
    for (let event = connection.next(); event !== undefined; event = connection.next()) {
      if ('data' in event) octets += event.data.length;
    }
    connection.detach();
  });
  const theirs = side('ws', (copy) => void receiver.write(copy));
  expect(ratio(ours, theirs)).toBeGreaterThan(AT_LEAST);
});

test(`encoding text of 4 KiB takes ws at least ${AT_LEAST} times as long`, () => {
  const text = 'x'.repeat(4096);
  const encoder = new FrameEncoder({ role: Role.Server, values: nodeValues });
  const ours = {
    name: 'wsimd',
    run: (count: number) => {
      for (let i = 0; i < count; i++) {
        encoder.text(FIN | Opcode.Text, text);
        const [chunk] = encoder.take();
        encoder.reuse(chunk);
      }
    },
  };
  const theirs = {
    name: 'ws',
    run: (count: number) => {
      const options = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: false };
      for (let i = 0; i < count; i++) Sender.frame(Buffer.from(text), options);
    },
  };
  expect(ratio(ours, theirs)).toBeGreaterThan(AT_LEAST);
});
