// `Watched` holds the counts of one server: those of its open connections, and of earlier ones.

/** One direction's counts, as `websocket.statistics` has them. */
interface Traffic {
  messages: number;
  octets: number;
  compressed: number;
  uncompressed: number;
  frames: number[];
}
interface Statistics {
  received: Traffic;
  sent: Traffic;
}

/** The part of a WebSocket that metrics use. */
export interface Counted {
  readonly statistics?: Statistics | undefined;
  readonly bufferedAmount: number;
}

/** The part of a `WebSocketServer` that metrics use. */
export interface WatchedServer {
  options: object;
  clients?: Iterable<object> | undefined;
}

/** The counts of one direction since the server was watched. Bytes are of payloads. */
export interface TrafficCounts {
  messages: number;
  bytes: number;
  /** By the name of the opcode: continuation, text, binary, close, ping, pong. */
  frames: Record<string, number>;
  /** Bytes before and after compression. */
  uncompressedBytes: number;
  compressedBytes: number;
}

/** The counts of one server. */
export interface ServerCounts {
  /** Connections open now. */
  connections: number;
  /** Since the server was watched, by the status of the answer. */
  handshakes: Record<string, number>;
  /** By close code (RFC 6455 7.4). */
  closes: Record<string, number>;
  /** Bytes, framing included, that wait for the operating system, and the number of connections with waiting bytes. */
  backpressureBytes: number;
  backpressuredConnections: number;
  received: TrafficCounts;
  sent: TrafficCounts;
}

const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** Looked up once: a report adds the counts of each connection. */
const NUMBERS = Object.values(OPCODES);

function newTraffic(): Traffic {
  return { messages: 0, octets: 0, compressed: 0, uncompressed: 0, frames: Array.from({ length: 16 }, () => 0) };
}

function add(sum: Traffic, more: Traffic): void {
  sum.messages += more.messages;
  sum.octets += more.octets;
  sum.compressed += more.compressed;
  sum.uncompressed += more.uncompressed;
  const [to, from] = [sum.frames, more.frames];
  for (let at = 0; at < NUMBERS.length; at++) to[NUMBERS[at]] += from[NUMBERS[at]];
}

function countsOf({ messages, octets, compressed, uncompressed, frames }: Traffic): TrafficCounts {
  return {
    messages,
    bytes: octets,
    frames: Object.fromEntries(Object.entries(OPCODES).map(([name, opcode]) => [name, frames[opcode]])),
    uncompressedBytes: uncompressed,
    compressedBytes: compressed,
  };
}

/** One watched server. */
export class Watched {
  readonly open: Set<Counted>;
  readonly handshakes: Record<string, number> = {};
  readonly closes: Record<string, number> = {};
  /** The traffic of connections that have ended. */
  readonly past: Statistics = { received: newTraffic(), sent: newTraffic() };

  constructor({ clients = [] }: WatchedServer) {
    this.open = new Set(clients as Iterable<Counted>);
  }

  ended(websocket: Counted, code: number): void {
    this.open.delete(websocket);
    this.closes[code] = (this.closes[code] ?? 0) + 1;
    const { statistics } = websocket;
    if (statistics === undefined) return;
    add(this.past.received, statistics.received);
    add(this.past.sent, statistics.sent);
  }

  counts(): ServerCounts {
    const received = newTraffic();
    const sent = newTraffic();
    add(received, this.past.received);
    add(sent, this.past.sent);
    let backpressureBytes = 0;
    let backpressuredConnections = 0;
    for (const { statistics, bufferedAmount } of this.open) {
      if (bufferedAmount > 0) {
        backpressureBytes += bufferedAmount;
        backpressuredConnections++;
      }
      if (statistics === undefined) continue;
      add(received, statistics.received);
      add(sent, statistics.sent);
    }
    return {
      connections: this.open.size,
      handshakes: { ...this.handshakes },
      closes: { ...this.closes },
      backpressureBytes,
      backpressuredConnections,
      received: countsOf(received),
      sent: countsOf(sent),
    };
  }
}
