// `Opcode`, `Role` and the bit masks are the numbers of a frame header (RFC 6455 5.2), compiled by both asc and tsc.
//
//   0               1               2               3
//   0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7
//  +-+-+-+-+-------+-+-------------+-------------------------------+
//  |F|R|R|R| opcode|M| Payload len |  extended payload length      |
//  |I|S|S|S|  (4)  |A|     (7)     |  16 bits after 126,           |
//  |N|V|V|V|       |S|             |  64 bits after 127            |
//  | |1|2|3|       |K|             |  then the 4 bytes of the      |
//  +-+-+-+-+-------+-+-------------+  masking key, when MASK is set |
//  |  payload ...                                                  |
//  +---------------------------------------------------------------+

/** The kind of a frame (RFC 6455 5.2, 11.8). */
export enum Opcode {
  Continuation = 0x0,
  Text = 0x1,
  Binary = 0x2,
  Close = 0x8,
  Ping = 0x9,
  Pong = 0xa,
}

/** The end of the connection that the library is; a client masks its frames, a server never does (RFC 6455 5.1). */
export enum Role {
  Client = 0,
  Server = 1,
}

// First byte.
export const FIN = 0x80;
export const RSV1 = 0x40;
export const RSV2 = 0x20;
export const RSV3 = 0x10;
export const RSV_BITS = 0x70;
export const OPCODE_BITS = 0x0f;

// Second byte.
export const MASK = 0x80;
export const LENGTH_BITS = 0x7f;

/** The 7-bit length that announces a 16-bit one, and the one that announces a 64-bit one. */
export const LENGTH_16 = 126;
export const LENGTH_64 = 127;

/** RFC 6455 5.5: control frames carry at most this many bytes. */
export const MAX_CONTROL_PAYLOAD = 125;

/** The longest header: 2 bytes, 8 of extended length, 4 of masking key. */
export const MAX_HEADER = 14;
