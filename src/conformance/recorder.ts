// `Recorder` keeps the statistics and the wire log of one connection.

import { EXCERPT_OCTETS, type Excerpt, type TrafficStats, type WireLogRow } from './result.js';
import { type FrameHeader, isControl } from './wire.js';

/** The rows after which the wire log stops, so that a testee that sends without end does not fill the memory. */
const MAX_ROWS = 20_000;

/** The beginning of some bytes, copied. */
export function excerpt(bytes: Uint8Array, length: number = bytes.length): Excerpt {
  // A Buffer's slice() is a view, which would keep the whole read in memory.
  return { length, head: new Uint8Array(bytes.subarray(0, EXCERPT_OCTETS)) };
}

function count(stats: Record<number, number>, key: number): void {
  stats[key] = (stats[key] ?? 0) + 1;
}

/** The traffic of data messages in one direction. */
interface Direction {
  preopen: number;
  wire: number;
  webSocket: number;
  app: number;
  frames: number;
  messages: number;
}

const NOTHING: Direction = { preopen: 0, wire: 0, webSocket: 0, app: 0, frames: 0, messages: 0 };

function maskDigits(mask: Uint8Array | null): string | null {
  return mask === null ? null : Buffer.from(mask).toString('hex');
}

/** The recorder of one connection. */
export class Recorder {
  readonly rxOctetStats: Record<number, number> = {};
  readonly txOctetStats: Record<number, number> = {};
  readonly rxFrameStats: Record<number, number> = {};
  readonly txFrameStats: Record<number, number> = {};
  readonly wirelog: WireLogRow[] = [];
  readonly incoming: Direction = { ...NOTHING };
  readonly outgoing: Direction = { ...NOTHING };
  #logging = true;

  /** Whether the wire log is on. */
  get logging(): boolean {
    return this.#logging;
  }

  /** Adds a row if the wire log is on. */
  log(row: WireLogRow): void {
    if (!this.#logging) return;
    this.wirelog.push(row);
    if (this.wirelog.length >= MAX_ROWS) this.setLogging(false);
  }

  /** Switches the wire log on or off; statistics continue. */
  setLogging(enabled: boolean): void {
    if (enabled === this.#logging || (enabled && this.wirelog.length >= MAX_ROWS)) return;
    this.#logging = enabled;
    this.wirelog.push({ kind: 'wireLog', enabled });
  }

  /** Records one read from the transport. */
  octetsReceived(bytes: Uint8Array): void {
    count(this.rxOctetStats, bytes.length);
    if (this.#logging) this.log({ kind: 'octetsReceived', bytes: excerpt(bytes) });
  }

  /** Records one write to the transport. */
  octetsSent(bytes: Uint8Array, sync: boolean): void {
    count(this.txOctetStats, bytes.length);
    if (this.#logging) this.log({ kind: 'octetsSent', bytes: excerpt(bytes), sync });
  }

  /** Records one decoded frame; `wire` is its length with the header, in bytes. */
  frameReceived(header: FrameHeader, payload: Uint8Array, wire: number): void {
    count(this.rxFrameStats, header.opcode);
    if (!isControl(header.opcode)) add(this.incoming, wire, header.length);
    if (!this.#logging) return;
    const { opcode, fin, rsv } = header;
    this.log({
      kind: 'frameReceived',
      payload: excerpt(payload, header.length),
      opcode,
      fin,
      rsv,
      mask: maskDigits(header.mask),
    });
  }

  /** Records one frame that the sender received. */
  frameSent(
    header: FrameHeader,
    shown: Uint8Array,
    wire: number,
    how: { repeatLength: number | null; chopSize: number | null; sync: boolean },
  ): void {
    count(this.txFrameStats, header.opcode);
    if (!isControl(header.opcode)) add(this.outgoing, wire, header.length);
    if (!this.#logging) return;
    const { opcode, fin, rsv } = header;
    this.log({ kind: 'frameSent', payload: excerpt(shown), opcode, fin, rsv, mask: maskDigits(header.mask), ...how });
  }

  /** The sixteen figures of the traffic. */
  trafficStats(): TrafficStats {
    const { incoming, outgoing } = this;
    return {
      outgoingOctetsWireLevel: outgoing.wire,
      outgoingOctetsWebSocketLevel: outgoing.webSocket,
      outgoingOctetsAppLevel: outgoing.app,
      outgoingCompressionRatio: ratio(outgoing.webSocket, outgoing.app),
      outgoingWebSocketOverhead: ratio(outgoing.wire - outgoing.webSocket, outgoing.webSocket),
      outgoingWebSocketFrames: outgoing.frames,
      outgoingWebSocketMessages: outgoing.messages,
      preopenOutgoingOctetsWireLevel: outgoing.preopen,
      incomingOctetsWireLevel: incoming.wire,
      incomingOctetsWebSocketLevel: incoming.webSocket,
      incomingOctetsAppLevel: incoming.app,
      incomingCompressionRatio: ratio(incoming.webSocket, incoming.app),
      incomingWebSocketOverhead: ratio(incoming.wire - incoming.webSocket, incoming.webSocket),
      incomingWebSocketFrames: incoming.frames,
      incomingWebSocketMessages: incoming.messages,
      preopenIncomingOctetsWireLevel: incoming.preopen,
    };
  }
}

function add(direction: Direction, wire: number, payload: number): void {
  direction.wire += wire;
  direction.webSocket += payload;
  direction.frames++;
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
