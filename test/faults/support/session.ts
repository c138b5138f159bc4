// One conversation, as the bytes that a peer of either role writes, with what each makes the other side do.
import { deflateRawSync } from 'node:zlib';
import { encodeFrame, requestHead, type RawFrameOptions, type RawRole } from '../../support/raw-peer.js';

/** Something that the peer writes, all at once or in part. */
export interface Step {
  readonly name: string;
  readonly octets: Buffer;
  /** The other side has a whole message after it. */
  readonly message?: boolean;
}

/** Compressed as RFC 7692 7.2.1 says. */
function deflated(text: string): Buffer {
  return deflateRawSync(Buffer.from(text), { finishFlush: 2 }).subarray(0, -4);
}

/**
 * The frames of the conversation, after the handshake: text, fragments with a ping between, a long length, a compressed
 * message, and a Close.
 */
export function steps(role: RawRole): readonly Step[] {
  const frame = (options: RawFrameOptions): Buffer =>
    encodeFrame({ masked: role === 'client', key: Buffer.of(1, 2, 3, 4), ...options });
  return [
    { name: 'text', octets: frame({ opcode: 1, payload: 'héllo' }), message: true },
    { name: 'first fragment', octets: frame({ opcode: 2, fin: false, payload: 'one' }) },
    { name: 'ping', octets: frame({ opcode: 9, payload: 'ping' }) },
    { name: 'last fragment', octets: frame({ opcode: 0, payload: 'two' }), message: true },
    { name: 'long', octets: frame({ opcode: 2, payload: Buffer.alloc(260, 7) }), message: true },
    {
      name: 'compressed',
      octets: frame({ opcode: 1, rsv1: true, payload: deflated('a compressed text, '.repeat(20)) }),
      message: true,
    },
    { name: 'close', octets: frame({ opcode: 8, payload: Buffer.concat([Buffer.of(3, 232), Buffer.from('bye')]) }) },
  ];
}

/** The opening request of a peer that is a client. */
export function opening(path: string): string {
  return requestHead({ 'Sec-WebSocket-Extensions': 'permessage-deflate' }, `GET ${path} HTTP/1.1`);
}

/** The answer of a peer that is a server; ACCEPT stands for what it proves. */
export function answer(): string {
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Accept: ACCEPT',
    'Sec-WebSocket-Extensions: permessage-deflate',
    '\r\n',
  ].join('\r\n');
}
