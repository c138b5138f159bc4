// `Statistics` counts the messages, frames by opcode and bytes of a connection, each way.

/** One direction's counts. Octets are payload octets; frames are counted when their header is read or written. */
export interface Traffic {
  messages: number;
  octets: number;
  /** Bytes of payload that was compressed, after and before that; 0 where the owner's transforms do not count. */
  compressed: number;
  uncompressed: number;
  /** Indexed by opcode (RFC 6455 5.2): 0 to 15. */
  readonly frames: number[];
}

/** The counts of one connection. */
export interface Statistics {
  readonly received: Traffic;
  readonly sent: Traffic;
}

function traffic(): Traffic {
  return { messages: 0, octets: 0, compressed: 0, uncompressed: 0, frames: Array.from({ length: 16 }, () => 0) };
}

/** Counts that start at zero. */
export function newStatistics(): Statistics {
  return { received: traffic(), sent: traffic() };
}
