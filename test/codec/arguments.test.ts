// Arguments of a wrong kind: each is refused by a UsageError that says what is taken and what was given.
import { expect, test } from 'vitest';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { FrameEncoder } from '../../src/codec/frame-encoder.js';
import { isUtf8 } from '../../src/codec/utf8.js';
import { Connection } from '../../src/connection/connection.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { acceptKey } from '../../src/handshake/accept.js';
import { encodeBase64 } from '../../src/handshake/base64.js';
import { acceptanceLines, judgeRequest } from '../../src/handshake/server.js';
import { FIN, Opcode, Role } from '../../src/spec/frame.js';
import { KERNELS } from '../support/our-decoders.js';

const make = (kind: unknown, ...given: unknown[]): unknown =>
  new (kind as new (...list: unknown[]) => unknown)(...given);
const server = new Connection({ role: Role.Server });
server.send('waits');
const encoder = new FrameEncoder({ role: Role.Server });
encoder.frame(FIN | Opcode.Text, 'waits');
const refusal = judgeRequest({ method: 'PUT', headers: {} }) as never;

test.each<[string, RegExp, () => unknown]>([
  ['new Connection()', /Options.*undefined/, () => make(Connection)],
  ['new Connection(null)', /Options.*null/, () => make(Connection, null)],
  ["new Connection('x')", /Options.*string/, () => make(Connection, 'x')],
  ['new Connection({})', /Role\.Client.*undefined/, () => make(Connection, {})],
  ['new FrameDecoder()', /Options.*undefined/, () => make(FrameDecoder)],
  ['new FrameEncoder()', /Options.*undefined/, () => make(FrameEncoder)],
  ['a generateMask of null', /function.*null/, () => make(Connection, { role: Role.Client, generateMask: null })],
  ['a generateMask of 5', /function.*number/, () => make(FrameEncoder, { role: Role.Server, generateMask: 5 })],
  ['takeOutput(5)', /Options.*number/, () => server.takeOutput(5 as never)],
  ['takeOutput(null)', /Options.*null/, () => server.takeOutput(null as never)],
  ['take(5)', /Options.*number/, () => encoder.take(5 as never)],
  ['sendFrom(source, null)', /Options.*null/, () => server.sendFrom({ pull: () => undefined }, null as never)],
  ['acceptanceLines(refusal)', /Sec-WebSocket-Key.*undefined/, () => acceptanceLines(refusal)],
  ['acceptKey(5)', /Sec-WebSocket-Key.*number/, () => acceptKey(5 as never)],
  ["encodeBase64('abc')", /Uint8Array.*string/, () => encodeBase64('abc' as never)],
  ['encodeBase64([1])', /Uint8Array.*object/, () => encodeBase64([1] as never)],
  ['encodeBase64 of 16 bits', /Uint8Array.*object/, () => encodeBase64(new Uint16Array([1000]) as never)],
  ["isUtf8('x')", /view.*string/, () => isUtf8('x' as never)],
  ['isUtf8(5)', /view.*number/, () => isUtf8(5 as never)],
])('%s says so', (_, text, call) => {
  expect(call).toThrow(UsageError);
  expect(call).toThrow(text);
  expect([server.outputLength, encoder.length, server.queuedMessages]).toEqual([7, 7, 0]);
});

test.each(KERNELS)('isUtf8 takes bytes of any kind by their memory on $name', (kernels) => {
  const invalid = Uint8Array.of(0x61, 0xff);
  for (const bytes of [new Uint16Array(invalid.buffer), new DataView(invalid.buffer), invalid.buffer]) {
    expect(isUtf8(bytes as never, kernels)).toBe(false);
  }
});
