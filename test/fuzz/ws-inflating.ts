// A Receiver of `ws` 8.23.0 with its own permessage-deflate, fed chunk by chunk, becomes events.
import * as ws from 'ws';
import { fails, hex, type WireEvent } from '../support/events.js';
import { violationOf, type Receiver } from '../support/ws-receiver.js';
import type { Input } from './inputs.js';

interface PerMessageDeflate {
  params: Record<string, unknown>;
  cleanup(): void;
}

// @types/ws does not know that the package exports these.
const internals = ws as unknown as {
  Receiver: new (options: object) => Receiver;
  PerMessageDeflate: new (options: object) => PerMessageDeflate;
};

export async function wsEvents({ options, wire, cuts, turn, deflate }: Input): Promise<WireEvent[]> {
  const isServer = options.role === 'server';
  const { takeover, windowBits } = deflate!;
  const extension = new internals.PerMessageDeflate({ isServer, maxPayload: options.maxPayload });
  extension.params = {
    server_no_context_takeover: !takeover,
    client_no_context_takeover: !takeover,
    server_max_window_bits: windowBits,
    client_max_window_bits: windowBits,
  };
  const receiver = new internals.Receiver({
    isServer,
    extensions: { 'permessage-deflate': extension },
    maxPayload: options.maxPayload,
    skipUTF8Validation: options.skipUtf8,
  });
  const events: WireEvent[] = [];
  let isEnded = false;
  receiver.on('message', (data, isBinary) => {
    events.push({ type: 'message', text: !isBinary, compressed: false, data: hex(data) });
  });
  receiver.on('ping', (data) => events.push({ type: 'ping', data: hex(data) }));
  receiver.on('pong', (data) => events.push({ type: 'pong', data: hex(data) }));
  receiver.on('conclude', (code, reason) => {
    events.push({ type: 'close', code, reason: hex(reason) });
    isEnded = true;
  });
  const write = (chunk: Buffer): Promise<void> =>
    new Promise((resolve) => {
      receiver._write(chunk, 'buffer', (error) => {
        if (error) {
          isEnded = true;
          events.push(fails(violationOf(error.code)));
        }
        resolve();
      });
    });
  let start = 0;
  for (const end of [...(turn % 8 === 0 ? cuts : []), wire.length]) {
    if (isEnded) break;
    await write(Buffer.from(wire.subarray(start, end)));
    start = end;
  }
  extension.cleanup();
  return events;
}
