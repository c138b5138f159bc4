// `frame` and its neighbours write and read frames of HTTP/2 byte by byte (RFC 9113 4.1), for a peer that keeps to no rule.

export enum FrameType {
  Data = 0,
  Headers = 1,
  RstStream = 3,
  Settings = 4,
  Ping = 6,
  Goaway = 7,
  WindowUpdate = 8,
}

const END_HEADERS = 4;

/** One frame. */
export function frame(type: FrameType, stream: number, payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The beginning of a client's connection: the preface and empty settings (RFC 9113 3.4). */
export const PREFACE: Buffer = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'),
  frame(FrameType.Settings, 0, Buffer.alloc(0)),
]);

/** A request's HEADERS, whose fields are literals that no table keeps (RFC 7541 6.2.2), of at most 126 bytes each. */
export function headers(stream: number, fields: Iterable<readonly [name: string, value: string]>): Buffer {
  const block = [...fields].flatMap(([name, value]) => [
    0,
    name.length,
    ...Buffer.from(name),
    value.length,
    ...Buffer.from(value),
  ]);
  return frame(FrameType.Headers, stream, Buffer.from(block), END_HEADERS);
}

/** The fields that ask for a WebSocket (RFC 8441 5). */
export const ASKED: readonly (readonly [string, string])[] = [
  [':method', 'CONNECT'],
  [':protocol', 'websocket'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'localhost'],
  ['sec-websocket-version', '13'],
];

export function reset(stream: number): Buffer {
  return frame(FrameType.RstStream, stream, Buffer.from([0, 0, 0, 8]));
}

/** The types of the frames that bytes hold. */
export function typesOf(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) types.push(bytes[at + 3]);
  return types;
}
