// `CaseResult` is the classic result of one case as data, which the reports print.
// It keeps 256 bytes of a payload, a read or a write (`Excerpt`), which each report cuts to its own length.

import type { ClosingFacts } from './facts.js';

/** The verdict on the testee's behaviour, by the case's expectation. */
export type Behavior = 'OK' | 'NON-STRICT' | 'INFORMATIONAL' | 'UNIMPLEMENTED' | 'FAILED';

/** The verdict on the closing of the connection. */
export type CloseBehavior = 'OK' | 'FAILED' | 'WRONG CODE' | 'UNCLEAN' | 'FAILED BY CLIENT' | 'INFORMATIONAL';

/** The most bytes of a payload, a read or a write that a result keeps. */
export const EXCERPT_OCTETS: number = 256;

/** The beginning of some bytes. */
export interface Excerpt {
  /** The number of all the bytes. */
  length: number;
  /** At most the first `EXCERPT_OCTETS` of them, never as a view of a larger buffer. */
  head: Uint8Array;
}

/** An expected or received event. A ping of the testee, which the examiner answers, is not an event. */
export type CaseEvent =
  | { kind: 'message'; payload: Excerpt; binary: boolean }
  | { kind: 'pong'; payload: Excerpt }
  | { kind: 'timeout'; tag: string };

/** One row of the wire log; the comments begin with the classic names of rows. */
export type WireLogRow =
  /** RO: one read from the transport. */
  | { kind: 'octetsReceived'; bytes: Excerpt }
  /** TO: one write to the transport. */
  | { kind: 'octetsSent'; bytes: Excerpt; sync: boolean }
  /** RF: one decoded frame. `payload` is unmasked. */
  | {
      kind: 'frameReceived';
      payload: Excerpt;
      opcode: number;
      fin: boolean;
      /** 0 to 7; RSV1 is 4. */
      rsv: number;
      /** The masking key as 8 hexadecimal digits, or null for an unmasked frame. */
      mask: string | null;
    }
  /** TF: one frame that the sender received, before its `octetsSent`. */
  | {
      kind: 'frameSent';
      /** The payload, or the unit that it repeats where `repeatLength` is not null. */
      payload: Excerpt;
      opcode: number;
      fin: boolean;
      rsv: number;
      mask: string | null;
      /** The payload's length in bytes where `payload` is only the repeated unit, else null. */
      repeatLength: number | null;
      /** The bytes in a piece, or null for one piece. */
      chopSize: number | null;
      sync: boolean;
    }
  /** CT: a pause begins. */
  | { kind: 'delay'; seconds: number; tag: string | null }
  /** CTE: the pause ends. */
  | { kind: 'delayOver'; tag: string | null }
  /** KL: the examiner will fail the connection after `seconds`. */
  | { kind: 'failAfter'; seconds: number }
  /** KLE: it fails the connection. */
  | { kind: 'failing' }
  /** TI: the examiner will start the closing handshake after `seconds`. */
  | { kind: 'closeAfter'; seconds: number }
  /** TIE: it starts the closing handshake. */
  | { kind: 'closing' }
  /** WLM: the wire log begins or stops. */
  | { kind: 'wireLog'; enabled: boolean };

/** The required end of the connection. */
export interface ExpectedClose {
  /** Whether the examiner's Close frame comes first. */
  closedByMe: boolean;
  /** The codes that the testee's Close frame may have. An empty list accepts any code, and no code is always accepted. */
  closeCode: number[];
  /** Whether both sides must send Close frames and the server must drop TCP. */
  requireClean: boolean;
  /** Present where a close by the wrong side makes the behavior FAILED too. */
  closedByWrongEndpointIsFatal?: true;
}

/** The bytes of data messages before and after compression and framing. Ratios are null where there were no bytes. */
export interface TrafficStats {
  outgoingOctetsWireLevel: number;
  outgoingOctetsWebSocketLevel: number;
  outgoingOctetsAppLevel: number;
  outgoingCompressionRatio: number | null;
  outgoingWebSocketOverhead: number | null;
  outgoingWebSocketFrames: number;
  outgoingWebSocketMessages: number;
  preopenOutgoingOctetsWireLevel: number;
  incomingOctetsWireLevel: number;
  incomingOctetsWebSocketLevel: number;
  incomingOctetsAppLevel: number;
  incomingCompressionRatio: number | null;
  incomingWebSocketOverhead: number | null;
  incomingWebSocketFrames: number;
  incomingWebSocketMessages: number;
  preopenIncomingOctetsWireLevel: number;
}

/** The result of one case: the 39 fields of the classic suite under their names. */
export interface CaseResult extends ClosingFacts {
  /** The place, from 1, in `ALL_CASES` where the testee is a server, in the selected cases where it is a client. */
  case: number;
  id: string;
  agent: string;
  /** Plain text, without markup. */
  description: string;
  /** Plain text, without markup. */
  expectation: string;
  /** The time when the opening handshake succeeded or failed: `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
  started: string;
  /** The milliseconds from `started` to the end of the connection. */
  duration: number;
  /** Whether the overview shows the duration. */
  reportTime: boolean;
  /** Whether the overview shows the compression ratios. */
  reportCompressionRatio: boolean;
  behavior: Behavior;
  behaviorClose: CloseBehavior;
  /** The reason for `behavior`, in one sentence. */
  result: string;
  /** The reason for `behaviorClose`, in one sentence. */
  resultClose: string;
  /** The accepted lists of events by the verdict that each gives; empty where the case has its own rule. */
  expected: Partial<Record<Behavior, CaseEvent[]>>;
  received: CaseEvent[];
  expectedClose: ExpectedClose;
  /** Whether the examiner is the server and the testee a client. */
  isServer: boolean;
  /** The raw header block, `?` if there was none. */
  httpRequest: string;
  /** The raw header block, `?` if there was none. */
  httpResponse: string;
  /** Whether the statistics were on at the end. */
  createStats: boolean;
  /** Whether the wire log was on at the end. */
  createWirelog: boolean;
  /** The number of reads by their length in bytes; `txOctetStats` counts writes. */
  rxOctetStats: Record<number, number>;
  txOctetStats: Record<number, number>;
  /** The number of frames by opcode. */
  rxFrameStats: Record<number, number>;
  txFrameStats: Record<number, number>;
  trafficStats: TrafficStats | null;
  wirelog: WireLogRow[];
}

/** The beginning of `result` where the testee broke the protocol, so that the examiner failed the connection. */
export const FAULT: string = 'The testee made the examiner fail the connection';

/** The beginning of `result` where the case killed the server. */
export const DIED: string = 'The server died of this case';

/** The beginning of `result` where a refusal proves nothing, because the server refuses valid handshakes too. */
export const DEAF: string = 'A good handshake is refused too';

/** Whether a result passes. Its behavior may be INFORMATIONAL and, unless `strict`, NON-STRICT or UNIMPLEMENTED. */
export function isPass(result: Pick<CaseResult, 'behavior' | 'behaviorClose'>, strict: boolean): boolean {
  if (result.behaviorClose !== 'OK' && result.behaviorClose !== 'INFORMATIONAL') return false;
  if (result.behavior === 'FAILED') return false;
  return !strict || result.behavior === 'OK' || result.behavior === 'INFORMATIONAL';
}
