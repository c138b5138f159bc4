// Arguments of a wrong kind: each is refused by a UsageError that says what is taken and what was given.
import { expect, test } from 'vitest';
import { decodeClosePayload, judgeClosePayload } from '../../src/codec/close-payload.js';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { FrameEncoder } from '../../src/codec/frame-encoder.js';
import { mask } from '../../src/codec/mask.js';
import { isUtf8 } from '../../src/codec/utf8.js';
import { Connection } from '../../src/connection/connection.js';
import { createDeflater, createInflater } from '../../src/deflate/index.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { violationError } from '../../src/errors/violations.js';
import { formatExtension, parseExtensions } from '../../src/extensions/grammar.js';
import {
  acceptDeflateOffer,
  judgeDeflateResponse,
  writeDeflateOffer,
} from '../../src/extensions/permessage-deflate.js';
import { acceptKey } from '../../src/handshake/accept.js';
import { encodeBase64 } from '../../src/handshake/base64.js';
import { createRequest, judgeResponse, writeRequest } from '../../src/handshake/client.js';
import { joinHead } from '../../src/handshake/field.js';
import { RequestReader, ResponseReader } from '../../src/handshake/head-reader.js';
import { allowOrigins, judgeOrigin } from '../../src/handshake/origin.js';
import { acceptanceLines, judgeRequest, writeRefusal } from '../../src/handshake/server.js';
import { FIN, Opcode, Role } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import { argumentKinds } from '../support/arguments.js';
import { KERNELS } from '../support/our-decoders.js';

const make = (kind: unknown, ...given: unknown[]): unknown =>
  new (kind as new (...list: unknown[]) => unknown)(...given);
const server = new Connection({ role: Role.Server });
server.send('waits');
const encoder = new FrameEncoder({ role: Role.Server });
encoder.frame(FIN | Opcode.Text, 'waits');
const pieces = new FrameDecoder({ role: Role.Client });
pieces.push(Uint8Array.of(0x82, 2, 1, 2));
pieces.next();
const key = encodeBase64(new Uint8Array(16));
const response = {
  statusCode: 101,
  headers: { upgrade: 'websocket', connection: 'upgrade', 'sec-websocket-accept': acceptKey(key) },
};
const detached = new Uint8Array(4);
structuredClone(detached, { transfer: [detached.buffer] });
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
  ['acceptanceLines()', /answer.*undefined/, () => acceptanceLines(undefined as never)],
  ['createRequest()', /Options.*undefined/, () => createRequest(undefined as never)],
  ['judgeRequest()', /request.*undefined/, () => judgeRequest(undefined as never)],
  ['judgeRequest({})', /headers.*undefined/, () => judgeRequest({} as never)],
  ['judgeResponse(null)', /response.*null/, () => judgeResponse(null as never, { key: '' })],
  ['judgeResponse({})', /headers.*undefined/, () => judgeResponse({} as never, { key: '' })],
  ['judgeResponse without a key', /expectation.*undefined/, () => judgeResponse({ headers: {} }, undefined as never)],
  ...[true, {}, null, createRequest].map((given): [string, RegExp, () => unknown] => [
    `an inflater of a ${typeof given}`,
    /inflater is an object with a method inflate/,
    () => make(Connection, { role: Role.Client, inflater: given }),
  ]),
  ['a deflater of true', /deflater.*method deflate.*boolean/, () => make(Connection, { role: 0, deflater: true })],
  ['text of true', /text.*'bytes' or 'string'.*boolean/, () => make(Connection, { role: Role.Client, text: true })],
  ["text: 'strings'", /text.*'bytes' or 'string'/, () => make(Connection, { role: Role.Client, text: 'strings' })],
  ['sendFrom(function)', /source.*method pull.*function/, () => server.sendFrom((() => undefined) as never)],
  ['protocols of text', /Subprotocols.*list.*string/, () => createRequest({ key, protocols: 'chat' as never })],
  ['extensions of true', /Extensions.*text.*boolean/, () => createRequest({ key, extensions: true as never })],
  ['writeRequest without fields', /Headers.*undefined/, () => writeRequest('/', 'a', undefined as never)],
  ['writeRequest without a host', /Host.*undefined/, () => writeRequest('/', undefined as never, [])],
  ['writeRequest of a URL', /target.*object/, () => writeRequest(new URL('ws://a/') as never, 'a', [])],
  [
    'expected protocols of text',
    /Subprotocols.*string/,
    () => judgeResponse(response, { key, protocols: 'a' as never }),
  ],
  [
    'expected protocols in a set',
    /Subprotocols.*object/,
    () => judgeResponse(response, { key, protocols: new Set() as never }),
  ],
  ['judgeRequest(request, true)', /Options.*boolean/, () => judgeRequest({ headers: {} }, true as never)],
  ['an answer with offers', /Extensions.*text.*object/, () => acceptanceLines({ key, extensions: [] as never })],
  ['an answer with a set', /subprotocol.*text.*object/, () => acceptanceLines({ key, protocol: new Set() as never })],
  ['a body of bytes', /body.*text.*object/, () => writeRefusal(400, new Uint8Array(1) as never)],
  ['judgeOrigin by a list', /allowOrigins.*object/, () => judgeOrigin('https://a', ['https://a'] as never)],
  ['judgeOrigin alone', /allowOrigins.*undefined/, () => judgeOrigin('https://a', undefined as never)],
  ['acceptDeflateOffer(offers)', /Options.*undefined/, () => acceptDeflateOffer([], undefined as never)],
  ['judgeDeflateResponse(params)', /Options.*undefined/, () => judgeDeflateResponse([], undefined as never)],
  ['createDeflater(agreement, role, 6)', /Options.*number/, () => createDeflater({} as never, Role.Client, 6 as never)],
  ['createInflater(null)', /agreement.*null/, () => createInflater(null as never, Role.Client)],
  ['createRequest of its own list of fields', /Headers.*object/, () => createRequest({ key, headers: [] as never })],
  ['createRequest of headers as text', /Headers.*string/, () => createRequest({ key, headers: 'a: b' as never })],
  ['writeRefusal without headers', /Headers.*null/, () => writeRefusal(400, '', null as never)],
  ['writeRefusal of headers as text', /Headers.*string/, () => writeRefusal(400, '', 'a: b' as never)],
  ['judgeOrigin(5)', /Origin.*number/, () => judgeOrigin(5 as never, new Set())],
  ['joinHead([5])', /line.*number/, () => joinHead([5] as never)],
  ['a source whose cancel is 5', /method cancel/, () => server.sendFrom({ pull: () => undefined, cancel: 5 as never })],
  ['joinHead()', /lines.*undefined/, () => joinHead(undefined as never)],
  ["joinHead('x')", /lines.*string/, () => joinHead('x' as never)],
  ['parseExtensions(5)', /text.*number/, () => parseExtensions(5 as never)],
  ['parseExtensions()', /text.*undefined/, () => parseExtensions(undefined as never)],
  ['formatExtension()', /extension.*undefined/, () => formatExtension(undefined as never)],
  ['formatExtension({})', /params.*undefined/, () => formatExtension({} as never)],
  ['writeDeflateOffer()', /Options.*undefined/, () => writeDeflateOffer(undefined as never)],
  ['acceptDeflateOffer()', /Offers.*undefined/, () => acceptDeflateOffer(undefined as never, {})],
  ['judgeDeflateResponse()', /Parameters.*undefined/, () => judgeDeflateResponse(undefined as never, {})],
  ['violationError()', /Violation.*undefined/, () => violationError(undefined as never)],
  ["encodeBase64('abc')", /view.*string/, () => encodeBase64('abc' as never)],
  ['encodeBase64([1])', /view.*object/, () => encodeBase64([1] as never)],
  ['mask()', /view.*undefined/, () => mask(undefined as never, 5)],
  ["decodeClosePayload('abc')", /view.*string/, () => decodeClosePayload('abc' as never)],
  ['judgeClosePayload(null)', /view.*null/, () => judgeClosePayload(null as never, false, KERNELS[0])],
  ['mask by a key in bytes', /key.*number.*object/, () => mask(new Uint8Array(8), new Uint8Array(4) as never)],
  ['a digest that answers later', /digest.*text.*object/, () => acceptKey(key, (async () => '') as never)],
  ['mask of a plain array', /view.*object/, () => mask([1, 2] as never, 5)],
  ['mask beyond the end', /range/, () => mask(new Uint8Array(4), 5, 0, 5)],
  ['mask from -1', /range/, () => mask(new Uint8Array(40), 5, -1)],
  ['mask with a key of NaN', /key.*number/, () => mask(new Uint8Array(4), NaN)],
  ["an rsv of '64'", /RSV/, () => make(Connection, { role: Role.Server, rsv: '64' })],
  ['an rsv of a symbol', /RSV/, () => make(Connection, { role: Role.Server, rsv: Symbol('x') })],
  ['traffic of {}', /Traffic.*object/, () => make(FrameEncoder, { role: Role.Server, traffic: {} })],
  ['statistics of {}', /Traffic.*object/, () => make(Connection, { role: Role.Server, statistics: { sent: {} } })],
  ['offers of NaN', /offers.*number/, () => parseExtensions('a', NaN)],
  ['kernels of {}', /Kernels.*scanFrames/, () => make(Connection, { role: Role.Server, kernels: {} })],
  ['kernels of a decoder of {}', /Kernels.*scanFrames/, () => make(FrameDecoder, { role: Role.Server, kernels: {} })],
  ['values of {}', /Values.*allocate/, () => make(FrameEncoder, { role: Role.Server, values: {} })],
  ["a threshold of 'x'", /threshold/, () => make(Connection, { role: Role.Server, threshold: 'x' })],
  ['a threshold of -1', /threshold/, () => make(Connection, { role: Role.Server, threshold: -1 })],
  ['a Close payload in detached memory', /detached/, () => decodeClosePayload(detached)],
  ['offers of null', /Offers.*null/, () => acceptDeflateOffer([null] as never, {})],
  ['params of null', /params.*null/, () => formatExtension({ name: 'a', params: [null] as never })],
  ['parameters of null', /Parameters.*null/, () => judgeDeflateResponse([null] as never, {})],
  ['fields of null', /Headers.*null/, () => writeRequest('/', 'a', [null] as never)],
  ['frames of null', /view.*null/, () => server.sendFrames([null] as never)],
  // Iterable as a Headers is, which Node cannot make without WebAssembly.
  ['fields in pairs', /Headers.*names/, () => createRequest({ key, headers: new URLSearchParams('a=b') as never })],
  ['fields in a Map', /Headers.*names/, () => createRequest({ key, headers: new Map([['a', 'b']]) as never })],
  ['mask from 0.5', /whole numbers/, () => mask(new Uint8Array(4), 5, 0.5)],
  ['send with options of null', /Options.*null/, () => server.send('x', null as never)],
  ["send with options of 'binary'", /Options.*string/, () => server.send('x', 'binary' as never)],
  ['send with a callback', /Options.*function/, () => server.send(new Uint8Array(1), (() => 0) as never)],
  ['kernels of null', /Kernels.*null/, () => make(Connection, { role: Role.Server, kernels: null })],
  ['kernels of an encoder of null', /Kernels.*null/, () => make(FrameEncoder, { role: Role.Server, kernels: null })],
  ['values of null', /Values.*null/, () => make(FrameDecoder, { role: Role.Server, values: null })],
  ["acceptKey('x', 5)", /digest.*number/, () => acceptKey('x', 5 as never)],
  ["copyTo('x')", /view.*string/, () => pieces.copyTo('x' as never, 0)],
  ["isUtf8('x')", /view.*string/, () => isUtf8('x' as never)],
  ['isUtf8(5)', /view.*number/, () => isUtf8(5 as never)],
])('%s says so', (_, text, call) => {
  expect(call).toThrow(UsageError);
  expect(call).toThrow(text);
  expect([server.outputLength, encoder.length, server.queuedMessages]).toEqual([7, 7, 0]);
});

test('fields and keys that are no text are those of no handshake', () => {
  expect(() => createRequest({ key: [key] as never })).toThrow(/key must be/);
  for (const upgrade of [null, true, {}]) {
    expect(judgeRequest({ method: 'GET', headers: { upgrade: upgrade as never } })).toMatchObject({ status: 400 });
  }
});

test.each<[string, unknown]>([
  ['a promise', Promise.resolve({ data: 'x', last: true })],
  ['bytes', Uint8Array.of(1)],
  ['text', 'x'],
  ['null', null],
  ['the result of an iterator', { value: 'x', done: true }],
])('a source that returns %s is told what to return', (_, given) => {
  const connection = new Connection({ role: Role.Server });
  connection.sendFrom({ pull: () => given as never });
  expect(() => connection.takeOutput()).toThrow(/A source returns \{ data, last \} at once, or undefined; given: /);
  expect(connection.outputLength).toBe(0);
});

test('window bits that no peer would take are never written', () => {
  const offers = parseExtensions('permessage-deflate; client_max_window_bits').value!;
  for (const bits of [7, 16, 9.5]) {
    expect(() => writeDeflateOffer({ clientMaxWindowBits: bits })).toThrow(RangeError);
    expect(() => acceptDeflateOffer(offers, { serverMaxWindowBits: bits })).toThrow(RangeError);
    expect(() => judgeDeflateResponse([], { clientMaxWindowBits: bits })).toThrow(RangeError);
  }
});

test('an option of undefined is one that is left out', () => {
  const names = (text: string): object => Object.fromEntries(text.split(' ').map((name) => [name, undefined]));
  const limits = names(
    'maxPayload maxFragments maxFramePayload maxBufferedChunks skipUTF8Validation autoPong parts text',
  );
  const parts = names('generateMask rsv inflater deflater threshold controlFirst statistics kernels values');
  const sender = new Connection({ ...limits, ...parts, role: Role.Server });
  sender.send('x', names('binary fin compress lent'));
  sender.sendFrom({ pull: () => ({ data: 'y', last: true }) }, names('binary rsv compress'));
  const coder = new FrameEncoder({ ...names('generateMask rsv unchecked kernels values traffic'), role: Role.Server });
  coder.raw(sender.takeOutput(names('limit')));
  const options = names('rsv maxPayload skipUtf8 strings judge kernels values traffic');
  const decoder = new FrameDecoder({ ...options, role: Role.Client });
  for (const chunk of coder.take(names('limit'))) decoder.push(chunk);
  for (const opcode of [Opcode.Text, Opcode.Binary]) {
    expect([decoder.next(), decoder.opcode, decoder.violation, decoder.header]).toEqual([true, opcode, 0, undefined]);
  }
});

test('an empty text of extensions, as where nothing can be compressed, writes no field', () => {
  expect(createRequest({ key, extensions: '' })).toEqual(createRequest({ key }));
  expect(acceptanceLines({ key, extensions: '' })).toEqual(acceptanceLines({ key }));
});

test.each(KERNELS)('isUtf8 takes bytes of any kind by their memory on $name', (kernels) => {
  const invalid = Uint8Array.of(0x61, 0xff);
  for (const bytes of [new Uint16Array(invalid.buffer), new DataView(invalid.buffer), invalid.buffer]) {
    expect(isUtf8(bytes as never, kernels)).toBe(false);
  }
});

/** The same memory under other classes. */
const faces = (bytes: Uint8Array<ArrayBuffer>): unknown[] => [
  new Uint16Array(bytes.buffer),
  new DataView(bytes.buffer),
  bytes.buffer,
];

test.each(KERNELS)('Close payloads, mask and copyTo take bytes by their memory on $name', (kernels) => {
  for (const payload of faces(Uint8Array.of(3, 232, 0x6f, 0x6b))) {
    expect(decodeClosePayload(payload as never)).toEqual({ code: 1000, reason: Uint8Array.of(0x6f, 0x6b) });
    expect(judgeClosePayload(payload as never, false, kernels)).toBe(Violation.None);
  }
  for (const length of [4, 64]) {
    const masked = new Uint8Array(length);
    mask(masked, 0x04030201, 0, length, 0, kernels);
    for (const at of [0, 1, 2]) {
      const bytes = new Uint8Array(length);
      mask(faces(bytes)[at] as never, 0x04030201, 0, length, 0, kernels);
      expect(bytes).toEqual(masked);
      pieces.copyTo(faces(bytes)[at] as never, 1);
      expect([...bytes.subarray(0, 4)]).toEqual([1, 1, 2, 4]);
    }
  }
});

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n\x81\x00';
const RESPONSE = 'HTTP/1.1 101 Switching Protocols\r\nHost: a\r\n\r\n\x81\x00';

test.each([
  ['RequestReader', () => new RequestReader(), REQUEST],
  ['ResponseReader', () => new ResponseReader(), RESPONSE],
])('%s takes bytes of any kind by their memory, and refuses all else before it has read anything', (_, read, text) => {
  const bytes = Uint8Array.from(Buffer.from(text.length % 2 === 0 ? text : `${text}\0`, 'latin1'));
  for (const face of faces(bytes)) {
    const { head, rest } = read().push(face as never);
    expect(head?.headers).toEqual({ host: 'a' });
    expect([...rest!.subarray(0, 2)]).toEqual([0x81, 0]);
  }
  for (const { name, make: give, bytes: meant, isText } of argumentKinds) {
    if (meant !== undefined && !isText) continue;
    const reader = read();
    reader.push(bytes.subarray(0, 9));
    expect(() => reader.push(give() as never), name).toThrow(UsageError);
    expect(reader.push(bytes.subarray(9)).head?.headers, name).toEqual({ host: 'a' });
  }
});

test('encodeBase64 takes bytes by their memory', () => {
  for (const face of faces(Uint8Array.of(1, 2, 3, 4))) expect(encodeBase64(face as never)).toBe('AQIDBA==');
});

test.each([5, 'https://a.example', null, undefined])('allowOrigins(%s) says that it takes a list', (list) => {
  expect(() => allowOrigins(list as never)).toThrow(/allowedOrigins: a list/);
});
