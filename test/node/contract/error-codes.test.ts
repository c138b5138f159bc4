/** The contract with `ws`: each error, its code, class and message, and the close code that is really on the wire. */
import zlib from 'node:zlib';
import { expect, it } from 'vitest';
import { BAD_CODES } from '../../support/close-codes.js';
import { closeCode, type RawFrameOptions, type RawPeer } from '../../support/raw-peer.js';
import { contract, ending, rawClient, rawServer, recorder } from './harness.js';
import type { Client, Implementation } from './implementations.js';

interface Row {
  name: string;
  code: string;
  kind: 'RangeError' | 'Error';
  message: string;
  closes: number;
  frames: RawFrameOptions[];
  options?: Record<string, unknown>;
  /** Only one role can see it; both where it is absent. */
  role?: 'client' | 'server';
  /** Frames are sent compressed. */
  deflate?: boolean;
}

const PREFIX = 'Invalid WebSocket frame: ';

function frameError(name: string, code: string, message: string, frames: RawFrameOptions[]): Row {
  return { name, code, kind: 'RangeError', message: PREFIX + message, closes: 1002, frames };
}

const ROWS: Row[] = [
  ...[8, 9, 10].map((opcode) =>
    frameError(`fragmented control frame ${opcode}`, 'WS_ERR_EXPECTED_FIN', 'FIN must be set', [
      { opcode, fin: false },
    ]),
  ),
  {
    ...frameError('frame without MASK', 'WS_ERR_EXPECTED_MASK', 'MASK must be set', [{ payload: 'x', masked: false }]),
    role: 'server',
  },
  {
    ...frameError('frame with MASK', 'WS_ERR_UNEXPECTED_MASK', 'MASK must be clear', [{ payload: 'x', masked: true }]),
    role: 'client',
  },
  ...BAD_CODES.map((code) =>
    frameError(`Close with ${code}`, 'WS_ERR_INVALID_CLOSE_CODE', `invalid status code ${code}`, [
      { opcode: 8, payload: closeCode(code) },
    ]),
  ),
  frameError('Close of 1 byte', 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH', 'invalid payload length 1', [
    { opcode: 8, payload: 'x' },
  ]),
  ...[8, 9, 10].map((opcode) =>
    frameError(
      `control frame ${opcode} of 126 bytes`,
      'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
      'invalid payload length 126',
      [{ opcode, payload: Buffer.alloc(126) }],
    ),
  ),
  frameError('control frame of 64 KiB', 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH', 'invalid payload length 127', [
    { opcode: 9, announce: 65_536 },
  ]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) =>
    frameError(`opcode ${opcode}`, 'WS_ERR_INVALID_OPCODE', `invalid opcode ${opcode}`, [{ opcode }]),
  ),
  frameError('continuation without a start', 'WS_ERR_INVALID_OPCODE', 'invalid opcode 0', [
    { opcode: 0, payload: 'x' },
  ]),
  ...[1, 2].map((opcode) =>
    frameError(`opcode ${opcode} inside a message`, 'WS_ERR_INVALID_OPCODE', `invalid opcode ${opcode}`, [
      { fin: false, payload: 'x' },
      { opcode, payload: 'y' },
    ]),
  ),
  {
    name: 'text that is not UTF-8',
    code: 'WS_ERR_INVALID_UTF8',
    kind: 'Error',
    message: `${PREFIX}invalid UTF-8 sequence`,
    closes: 1007,
    frames: [{ payload: Buffer.from([0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xed, 0xa0, 0x80]) }],
  },
  {
    name: 'text that ends inside a character',
    code: 'WS_ERR_INVALID_UTF8',
    kind: 'Error',
    message: `${PREFIX}invalid UTF-8 sequence`,
    closes: 1007,
    frames: [{ payload: Buffer.from([0x61, 0xe2, 0x82]) }],
  },
  {
    name: 'close reason that is not UTF-8',
    code: 'WS_ERR_INVALID_UTF8',
    kind: 'Error',
    message: `${PREFIX}invalid UTF-8 sequence`,
    closes: 1007,
    frames: [{ opcode: 8, payload: Buffer.from([0x03, 0xe8, 0xc0, 0x80]) }],
  },
  frameError('RSV1 without an extension', 'WS_ERR_UNEXPECTED_RSV_1', 'RSV1 must be clear', [
    { rsv1: true, payload: 'x' },
  ]),
  {
    ...frameError('RSV1 on a continuation', 'WS_ERR_UNEXPECTED_RSV_1', 'RSV1 must be clear', [
      { fin: false, payload: 'x' },
      { opcode: 0, rsv1: true, payload: 'y' },
    ]),
    deflate: true,
  },
  {
    ...frameError('RSV1 on a control frame', 'WS_ERR_UNEXPECTED_RSV_1', 'RSV1 must be clear', [
      { opcode: 9, rsv1: true },
    ]),
    deflate: true,
  },
  frameError('RSV2', 'WS_ERR_UNEXPECTED_RSV_2_3', 'RSV2 and RSV3 must be clear', [{ rsv2: true }]),
  frameError('RSV3', 'WS_ERR_UNEXPECTED_RSV_2_3', 'RSV2 and RSV3 must be clear', [{ rsv3: true }]),
  {
    name: 'more fragments than maxFragments',
    code: 'WS_ERR_TOO_MANY_BUFFERED_PARTS',
    kind: 'RangeError',
    message: 'Too many message fragments',
    closes: 1008,
    frames: [{ fin: false }, { opcode: 0, fin: false }, { opcode: 0 }],
    options: { maxFragments: 2 },
  },
  ...[2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].map((announce): Row => ({
    name: `length of ${announce}`,
    code: 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
    kind: 'RangeError',
    message: 'Unsupported WebSocket frame: payload length > 2^53 - 1',
    closes: 1009,
    frames: [{ opcode: 2, announce }],
  })),
  {
    name: 'frame longer than maxPayload',
    code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    kind: 'RangeError',
    message: 'Max payload size exceeded',
    closes: 1009,
    frames: [{ opcode: 2, payload: Buffer.alloc(21) }],
    options: { maxPayload: 20 },
  },
  {
    name: 'fragments together longer than maxPayload',
    code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    kind: 'RangeError',
    message: 'Max payload size exceeded',
    closes: 1009,
    frames: [
      { opcode: 2, fin: false, payload: Buffer.alloc(15) },
      { opcode: 0, payload: Buffer.alloc(6) },
    ],
    options: { maxPayload: 20 },
  },
  {
    name: 'message that inflates beyond maxPayload',
    code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    kind: 'RangeError',
    message: 'Max payload size exceeded',
    closes: 1009,
    frames: [{ opcode: 2, rsv1: true, payload: zlib.deflateRawSync(Buffer.alloc(2000)) }],
    options: { maxPayload: 1000 },
    deflate: true,
  },
];

async function setUp(
  implementation: Implementation,
  row: { role: 'client' | 'server'; options?: Record<string, unknown>; deflate?: boolean },
): Promise<{ ws: Client; peer: RawPeer }> {
  const headers = row.deflate ? { 'Sec-WebSocket-Extensions': 'permessage-deflate' } : {};
  const options = { perMessageDeflate: row.deflate ?? false, ...row.options };
  return row.role === 'server'
    ? rawClient(implementation, options, { headers })
    : rawServer(implementation, options, { headers });
}

contract('error codes', (implementation) => {
  for (const row of ROWS) {
    for (const role of row.role ? [row.role] : (['server', 'client'] as const)) {
      it(`${row.code}: ${row.name} closes a ${role} with ${row.closes} on the wire`, async () => {
        const { ws, peer } = await setUp(implementation, { ...row, role });
        const log = recorder(ws);
        const end = ending(ws);
        peer.send(...row.frames);
        expect(await peer.readClose()).toEqual({ code: row.closes, reason: '' });
        const { error, code, reason, errors } = await end;
        expect(error).toMatchObject({ code: row.code, message: row.message, name: row.kind });
        expect(error?.constructor.name).toBe(row.kind);
        expect({ code, reason, errors }).toEqual({ code: 1006, reason: '', errors: 1 });
        expect(log).toEqual([`error ${row.message}`, 'close 1006']);
      });
    }
  }

  it('header alone: a control frame that is too long fails before its payload comes', async () => {
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    peer.write(Buffer.from([0x89, 0xfe]));
    expect((await peer.readClose()).code).toBe(1002);
    expect((await end).error?.code).toBe('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH');
  });

  it('header alone: a message longer than maxPayload fails before its payload comes', async () => {
    const { ws, peer } = await rawClient(implementation, { maxPayload: 1000 });
    const end = ending(ws);
    peer.write(Buffer.from([0x82, 0xfe, 0x03, 0xe9]));
    expect((await peer.readClose()).code).toBe(1009);
    expect((await end).error?.code).toBe('WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
  });

  it('zlib error: compressed data that is none gives the error of zlib and closes with 1007', async () => {
    for (const role of ['server', 'client'] as const) {
      const { ws, peer } = await setUp(implementation, { role, deflate: true });
      const end = ending(ws);
      peer.send({ rsv1: true, payload: Buffer.from([0xff, 0xff, 0xff, 0xff]) });
      expect(await peer.readClose()).toEqual({ code: 1007, reason: '' });
      const { error } = await end;
      expect(error).toMatchObject({ code: 'Z_DATA_ERROR', errno: zlib.constants.Z_DATA_ERROR });
    }
  });

  it('longer length form than needed: is taken by ws and fails with 1002 here (D6)', async () => {
    for (const [payload, lengthForm] of [
      ['short', 16],
      ['short', 64],
      ['x'.repeat(200), 64],
    ] as const) {
      const { ws, peer } = await rawClient(implementation);
      const end = ending(ws);
      peer.send({ payload, lengthForm }, { opcode: 8 });
      const { code, error } = await end;
      expect({ code, error: error?.code }).toEqual(
        implementation.differs<{ code: number; error: string | undefined }>('D6', {
          ws: { code: 1005, error: undefined },
          wsimd: { code: 1006, error: 'WS_ERR_NON_MINIMAL_LENGTH' },
        }),
      );
    }
  });

  it('invalid UTF-8 inside an unfinished message: is noticed there, not at its end (D10)', async () => {
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    peer.send({ fin: false, payload: Buffer.from([0x61, 0xff]) }, { opcode: 9, payload: 'probe' });
    const frame = await peer.readFrame();
    expect(frame.opcode).toBe(implementation.differs('D10', { ws: 10, wsimd: 8 }));
    if (frame.opcode === 10) {
      peer.send({ opcode: 0 });
      expect((await peer.readClose()).code).toBe(1007);
    }
    expect((await end).error?.code).toBe('WS_ERR_INVALID_UTF8');
  });

  it('valid text cut at any byte over frames: is delivered', async () => {
    const { ws, peer } = await rawClient(implementation);
    const text = Buffer.from('aé€😀z');
    const log: string[] = [];
    ws.on('message', (data: Buffer) => log.push(data.toString()));
    const closed = ending(ws);
    for (let cut = 0; cut <= text.length; cut++) {
      peer.send({ fin: false, payload: text.subarray(0, cut) }, { opcode: 0, payload: text.subarray(cut) });
    }
    peer.close(1000);
    await closed;
    expect(log).toEqual(Array.from({ length: text.length + 1 }, () => 'aé€😀z'));
  });

  it('after an error: the rest of the socket is read and thrown away, and the peer can close in its own time', async () => {
    const { ws, peer } = await rawClient(implementation, { closeTimeout: 5000 }, { endWithPeer: false });
    const end = ending(ws);
    peer.send({ opcode: 3 });
    expect((await peer.readClose()).code).toBe(1002);
    for (let i = 0; i < 50; i++) peer.write(Buffer.alloc(100_000));
    await new Promise((resolve) => {
      peer.socket.write('last', resolve);
    });
    peer.socket.end();
    expect((await end).code).toBe(1006);
  });

  it('a server and a client with the same fault: both report one error', async () => {
    for (const role of ['server', 'client'] as const) {
      const { ws, peer } = await setUp(implementation, { role });
      const end = ending(ws);
      peer.send({ opcode: 3 }, { opcode: 8, payload: closeCode(1000) });
      expect((await end).errors).toBe(1);
    }
  });
});
