// `npm run bench:micro`: decoding, strings, encoding, UTF-8, closing and frame records, in one process, beside `ws` with
// bufferutil, websocket-driver, utf-8-validate, and wslay in C. Writes bench/results/micro-node<version>.json. Needs a build.
import { isUtf8 } from 'node:buffer';
import validateUtf8 from 'utf-8-validate';
import websocketDriver from 'websocket-driver';
import { Receiver, Sender } from 'ws';
import { FrameDecoder } from '../dist/codec/frame-decoder.js';
import { FrameEncoder } from '../dist/codec/frame-encoder.js';
import { Connection } from '../dist/connection/connection.js';
import { kernels } from '../dist/kernels/index.js';
import { nodeValues } from '../dist/node/values.js';
import { FIN, Opcode, Role } from '../dist/spec/frame.js';
import { batchOf, DECODING } from './lib/cells.mjs';
import { driverDecoder, ourDecoder, twinDecoder, wsDecoder } from './lib/decoders.mjs';
import { makeFrame, makePayload, makeStream } from './lib/frames.mjs';
import { makeRow, openResults } from './lib/results.mjs';
import { measure, repeat, summarize } from './lib/rounds.mjs';
import { isSmoke, KERNEL_TIMES, MICRO_TIMES, only } from './lib/times.mjs';
import { compileWslay } from './lib/wslay.mjs';

const WS = 'ws + bufferutil';
const WSLAY_MESSAGES = 'wslay in C, event level';
const WSLAY_EVENTS = 'wslay in C, event level without buffering';
const WSLAY_FRAMES = 'wslay in C, frame level';
const NOT_MASKED = 'wsimd, not masked';
const PER_MESSAGE = 'ns of processor time per message';

/** A socket that writes nothing, but encodes strings, which `ws` leaves to the socket. */
const NO_SOCKET = {
  cork() {},
  uncork() {},
  write(data) {
    if (typeof data === 'string') Buffer.from(data);
  },
};

const results = openResults('micro', 'npm run bench:micro');

const BENCHES = {
  decode: benchDecode,
  strings: benchStrings,
  encode: benchEncode,
  'masked encode': benchMaskedEncode,
  'utf-8': benchUtf8,
  close: benchClose,
  records: benchRecords,
};
for (const [name, bench] of Object.entries(BENCHES)) if (name.includes(only)) bench();
results.write();

function benchDecode() {
  const table = results.table('Decode masked frames into Buffers to keep', PER_MESSAGE);
  for (const [kind, length, chunk] of DECODING) {
    const stream = makeStream({ kind, length, chunk });
    const sides = [
      ourDecoder('wsimd', stream),
      twinDecoder('wsimd, JavaScript twin', stream),
      wsDecoder(WS, stream),
      driverDecoder('websocket-driver', stream),
    ];
    const figures = measure(sides, MICRO_TIMES);
    table.add(makeRow(`${kind} ${length} B from chunks of ${chunk} B`, figures, [{ against: [WS] }]));
  }
  results.note('websocket-driver hands text out as strings, the others as Buffers');
}

function benchStrings() {
  const table = results.table('Decode masked text into strings (ws: with toString())', PER_MESSAGE);
  const hasSlowDecoder = Number(process.versions.node.split('.')[0]) < 24;
  for (const [kind, atLeast] of [
    ['ascii', 4.4],
    ['cjk', hasSlowDecoder ? 6 : undefined],
  ]) {
    for (const length of [125, 1024]) {
      const stream = makeStream({ kind, length });
      const sides = [
        ourDecoder('wsimd', stream, { text: 'string' }),
        wsDecoder(WS, stream, { text: 'string' }),
        driverDecoder('websocket-driver', stream),
      ];
      const figures = measure(sides, MICRO_TIMES);
      table.add(makeRow(`${kind} ${length} B`, figures, [{ against: [WS], atLeast }]));
    }
  }
}

/** Frames into a batch that is taken and given back, as a transport does whose socket takes all at once. */
function ourEncoder(name, encoder, length, write) {
  const take = () => {
    const chunks = encoder.take();
    if (chunks.length === 1) encoder.reuse(chunks[0]);
  };
  return repeat(name, write, take, batchOf(length));
}

/** A side that writes frames one by one. */
function perFrame(name, write) {
  return repeat(name, write, undefined, 64);
}

function benchEncode() {
  const table = results.table('Encode text, unmasked', PER_MESSAGE);
  const frameOptions = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: false };
  const sendOptions = { fin: true, binary: false, compress: false, mask: false };
  for (const [length, atLeast] of [
    [16, 2.3],
    [125, undefined],
    [1024, undefined],
    [4096, 7],
  ]) {
    const text = makePayload('ascii', length).toString();
    const encoder = new FrameEncoder({ role: Role.Server, values: nodeValues });
    const connection = new Connection({ role: Role.Server, values: nodeValues });
    const takeOutput = () => {
      const chunks = connection.takeOutput();
      if (chunks.length === 1) connection.reuse(chunks[0]);
    };
    const sender = new Sender(NO_SOCKET);
    const driver = openDriver();
    const sides = [
      ourEncoder('wsimd', encoder, length, () => encoder.text(FIN | Opcode.Text, text)),
      repeat('wsimd, Connection.send', () => connection.send(text, { binary: false }), takeOutput, batchOf(length)),
      perFrame('ws Sender.frame', () => Sender.frame(Buffer.from(text), frameOptions)),
      perFrame('ws Sender.send to no socket', () => sender.send(text, sendOptions)),
      perFrame('websocket-driver', () => driver.text(text)),
    ];
    const figures = measure(sides, KERNEL_TIMES);
    table.add(
      makeRow(`${length} B`, figures, [
        { against: ['ws Sender.frame'], atLeast },
        { of: 'wsimd, Connection.send', against: ['ws Sender.send to no socket'] },
      ]),
    );
  }
}

function benchMaskedEncode() {
  const table = results.table('Encode binary as a client does, masked', PER_MESSAGE);
  const frameOptions = { fin: true, rsv1: false, opcode: 2, mask: true, readOnly: true };
  for (const [length, atLeast] of [
    [16, 5],
    [125, 5],
    [4096, undefined],
  ]) {
    const payload = makePayload('binary', length);
    const encoder = new FrameEncoder({ role: Role.Client, values: nodeValues });
    const unmasked = new FrameEncoder({ role: Role.Server, values: nodeValues });
    const sides = [
      ourEncoder('wsimd', encoder, length, () => encoder.frame(FIN | Opcode.Binary, payload)),
      // What is left where key and mask are for nothing: the most that masking quicker could gain.
      ourEncoder(NOT_MASKED, unmasked, length, () => unmasked.frame(FIN | Opcode.Binary, payload)),
      perFrame('ws Sender.frame', () => Sender.frame(payload, frameOptions)),
    ];
    const figures = measure(sides, KERNEL_TIMES);
    table.add(
      makeRow(`${length} B`, figures, [
        { against: ['ws Sender.frame'], atLeast },
        { of: NOT_MASKED, against: ['ws Sender.frame'] },
      ]),
    );
  }
}

function openDriver() {
  const driver = websocketDriver.server();
  driver.on('connect', () => driver.start());
  driver.parse(
    Buffer.from(
      'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    ),
  );
  return driver;
}

function benchUtf8() {
  const table = results.table(
    'Validate UTF-8 that lies where each validator wants it',
    'ns of processor time per call',
  );
  for (const kind of ['ascii', 'cjk']) {
    for (const length of [16, 125, 1024, 4096, 65_536]) {
      const payload = makePayload(kind, length);
      kernels.bytes.set(payload, kernels.arenaAddress);
      const sides = [
        repeat('WASM kernel', () => kernels.isUtf8(kernels.arenaAddress, length)),
        repeat('buffer.isUtf8', () => isUtf8(payload)),
        repeat('utf-8-validate', () => validateUtf8(payload)),
      ];
      const figures = measure(sides, KERNEL_TIMES);
      table.add(
        makeRow(`${kind} ${length} B`, figures, [
          { of: 'WASM kernel', against: ['buffer.isUtf8'] },
          { of: 'WASM kernel', against: ['utf-8-validate'] },
        ]),
      );
    }
  }
}

/** A connection's whole life: it is made, a Close with a reason comes in, and the answer to it is encoded. */
function benchClose() {
  const table = results.table(
    'Take in a Close with a reason on a new connection, and answer it',
    'ns of processor time per connection',
  );
  const code = Buffer.of(0x03, 0xe8);
  const frame = makeFrame(Opcode.Close, Buffer.concat([code, makePayload('ascii', 30)]), true);
  const sides = [
    {
      name: 'wsimd',
      prepare: (count) => Array.from({ length: count }, () => Buffer.from(frame)),
      run(_count, frames) {
        for (const chunk of frames) {
          const connection = new Connection({ role: Role.Server, values: nodeValues });
          connection.receiveOwned(chunk);
          while (connection.next() !== undefined);
          connection.reuse(connection.takeOutput()[0]);
        }
      },
    },
    {
      name: WS,
      prepare: (count) => Array.from({ length: count }, () => Buffer.from(frame)),
      run(_count, frames) {
        for (const chunk of frames) {
          const receiver = new Receiver({ isServer: true });
          const sender = new Sender(NO_SOCKET);
          receiver.on('conclude', (code, reason) => sender.close(code, reason, false));
          receiver.write(chunk);
        }
      },
    },
  ];
  table.add(makeRow('Close 1000', measure(sides, MICRO_TIMES), [{ against: [WS] }]));
}

/**
 * Frames walked, without values made of them. wslay's frame level leaves the judging of fragments, control frames and text
 * to its event level, which is what our records are held against, as it comes: with its buffering of messages. Its two
 * cheaper ways stand beside it.
 */
function benchRecords() {
  const wslay = compileWslay();
  if (wslay.reason !== undefined) {
    results.note(wslay.reason);
    return;
  }
  for (const [kind, what] of [
    ['ascii', 'text frames: headers judged, payloads unmasked and validated, nothing kept'],
    ['binary', 'binary frames: headers judged, payloads unmasked, nothing kept'],
  ]) {
    const table = results.table(`Walk masked ${what}`, 'ns of processor time per frame');
    for (const length of [16, 125, 1024, 16_384]) {
      const figures = walkFrames(wslay, makeStream({ kind, length }));
      table.add(
        makeRow(`${length} B`, figures, [
          { against: [WSLAY_MESSAGES], atLeast: 6 },
          { against: [WSLAY_EVENTS] },
          { against: [WSLAY_FRAMES] },
        ]),
      );
    }
  }
  wslay.remove();
}

function walkFrames(wslay, stream) {
  const decoder = new FrameDecoder({ role: Role.Server, values: nodeValues });
  let frames = 0;
  const ours = {
    name: 'wsimd',
    units: stream.messages,
    run(count) {
      for (let i = 0; i < count; i++) {
        for (const chunk of stream.chunks) {
          decoder.push(chunk);
          while (decoder.next()) if (decoder.end) frames++;
        }
      }
    },
    check(count) {
      if (frames !== count * stream.messages) throw new Error(`${frames} frames instead of ${count * stream.messages}`);
      frames = 0;
    },
  };
  const samples = { wsimd: [], [WSLAY_MESSAGES]: [], [WSLAY_EVENTS]: [], [WSLAY_FRAMES]: [] };
  const passes = isSmoke ? 1 : 20;
  for (let round = 0; round < (isSmoke ? 1 : 7); round++) {
    const warmUp = round === 0 ? MICRO_TIMES.warmUp : 5;
    samples.wsimd.push(measure([ours], { ...MICRO_TIMES, rounds: 1, warmUp })[0].median);
    samples[WSLAY_MESSAGES].push(wslay.walk('message', stream, passes));
    samples[WSLAY_EVENTS].push(wslay.walk('event', stream, passes));
    samples[WSLAY_FRAMES].push(wslay.walk('frame', stream, passes));
  }
  return Object.entries(samples).map(([name, all]) => ({ name, ...summarize(all) }));
}
