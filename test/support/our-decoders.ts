// The library's FrameDecoder and Connection as decoders that a feeder can play to, on either set of kernels.
import { Connection } from '../../src/connection/connection.js';
import { EventType } from '../../src/connection/event.js';
import type { Inflater } from '../../src/extensions/transform.js';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { decodeClosePayload, judgeClosePayload } from '../../src/codec/close-payload.js';
import { loadWasmKernels, makeJavaScriptKernels, type Kernels } from '../../src/kernels/index.js';
import { Opcode, Role } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import type { Values } from '../../src/values/values.js';
import { fails, hex, VIOLATION_NUMBERS, type ReceiverOptions, type WireEvent } from './events.js';
import type { Decoder } from './feeder.js';
import { VIOLATIONS } from '../../src/errors/violations.js';

/** Every set of kernels that this runtime has. */
export const KERNELS: Kernels[] = [loadWasmKernels(), makeJavaScriptKernels()].filter(
  (kernels) => kernels !== undefined,
);

/** How chunks are handed in: copied, given away, or put where a socket would put them. */
export type Door = 'push' | 'owned' | 'landed';
export const DOORS: Door[] = ['push', 'owned', 'landed'];

function roleOf(options: ReceiverOptions): Role {
  return options.role === 'server' ? Role.Server : Role.Client;
}

/** The frame level: fragments joined here, as a user of FrameDecoder would. */
export function frameDecoder(options: ReceiverOptions, kernels: Kernels, values?: Values): Decoder {
  const decoder = new FrameDecoder({ ...options, role: roleOf(options), kernels, values });
  const events: WireEvent[] = [];
  let message = '';
  let control = '';
  return {
    feed(chunk) {
      decoder.push(chunk);
      while (decoder.next()) {
        if (decoder.violation !== Violation.None) {
          events.push(fails(decoder.violation));
          continue;
        }
        const data = decoder.payload();
        const { opcode } = decoder;
        if (opcode < Opcode.Close) {
          if (decoder.start && opcode !== Opcode.Continuation) message = '';
          message += hex(data);
          if (!decoder.end || !decoder.fin) continue;
          const compressed = decoder.isCompressed;
          events.push({ type: 'message', text: decoder.isText, compressed, data: message });
          continue;
        }
        if (decoder.start) control = '';
        control += hex(data);
        if (!decoder.end) continue;
        if (opcode === Opcode.Ping) events.push({ type: 'ping', data: control });
        else if (opcode === Opcode.Pong) events.push({ type: 'pong', data: control });
        else {
          const payload = new Uint8Array(Buffer.from(control, 'hex'));
          const violation = judgeClosePayload(payload, options.skipUtf8 === true, kernels);
          const { code, reason } = decodeClosePayload(payload);
          events.push(violation === Violation.None ? { type: 'close', code, reason: hex(reason) } : fails(violation));
        }
      }
    },
    events: () => events,
  };
}

/** The event level. Unless there is an inflater, one that inflates nothing shows which messages were compressed. */
export function connection(
  options: ReceiverOptions,
  kernels: Kernels,
  door: Door = 'push',
  values?: Values,
  inflater?: Inflater,
): Decoder {
  let deflated: string | undefined;
  const rsv = options.rsv ?? 0;
  const receiver = new Connection({
    role: roleOf(options),
    rsv: rsv & ~0x40,
    maxPayload: options.maxPayload === Infinity ? 0 : (options.maxPayload ?? 0),
    skipUTF8Validation: options.skipUtf8,
    inflater:
      inflater ??
      (rsv & 0x40
        ? {
            inflate(payload) {
              deflated = hex(payload);
              return new Uint8Array(0);
            },
            close() {},
          }
        : undefined),
    kernels,
    values,
  });
  const events: WireEvent[] = [];
  return {
    feed(chunk) {
      if (door === 'push') receiver.receive(chunk);
      else if (door === 'owned') receiver.receiveOwned(new Uint8Array(chunk));
      else {
        kernels.bytes.set(chunk, kernels.landingAddress);
        receiver.receiveLanded(chunk.length);
      }
      for (let event = receiver.next(); event !== undefined; event = receiver.next()) {
        switch (event.type) {
          case EventType.Message: {
            const compressed = deflated !== undefined;
            const data = deflated ?? hex(event.data as Uint8Array);
            events.push({ type: 'message', text: !event.isBinary, compressed, data });
            deflated = undefined;
            break;
          }
          case EventType.Ping:
            events.push({ type: 'ping', data: hex(event.data) });
            break;
          case EventType.Pong:
            events.push({ type: 'pong', data: hex(event.data) });
            break;
          case EventType.Close:
            events.push({ type: 'close', code: event.code, reason: hex(event.data) });
            break;
          case EventType.Failure: {
            const { code, closeCode, message } = event.error;
            const violation = VIOLATION_NUMBERS.find((number) => {
              const row = VIOLATIONS[number];
              // What zlib refuses has zlib's code and text.
              if (code.startsWith('Z_')) return number === Violation.InvalidDeflate;
              return row.code === code && message.startsWith(row.text.split('%')[0]);
            });
            events.push({ type: 'violation', violation: violation!, closeCode });
            break;
          }
          case EventType.Part:
            throw new Error('no parts were asked for');
        }
      }
    },
    events: () => events,
  };
}
