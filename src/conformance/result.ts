// `CaseResult` is the classic result of one case, as data: the engine fills it, the reports print it.
// Bytes are kept to 256 (`Excerpt`), so that each report cuts them as it likes.

import type { ClosingFacts } from './facts.js';

/** The testee's behaviour, judged against the case's expectation. */
export type Behavior = 'OK' | 'NON-STRICT' | 'INFORMATIONAL' | 'UNIMPLEMENTED' | 'FAILED';

/** How the connection ended, judged apart from its messages. */
export type CloseBehavior = 'OK' | 'FAILED' | 'WRONG CODE' | 'UNCLEAN' | 'FAILED BY CLIENT' | 'INFORMATIONAL';

/** How many bytes of any payload or of any read or write a result keeps. */
export const EXCERPT_OCTETS: number = 256;

/** The beginning of some bytes. */
export interface Excerpt {
  /** How many bytes there were. */
  length: number;
  /** The first `EXCERPT_OCTETS` of them, or all when there are fewer. Never a view of a larger buffer. */
  head: Uint8Array;
}

/** Something that a case expects or that was received, in order. Pings of the testee are answered and are no events. */
export type CaseEvent =
  | { kind: 'message'; payload: Excerpt; binary: boolean }
  | { kind: 'pong'; payload: Excerpt }
  | { kind: 'timeout'; tag: string };

/** One line of the wire log. The classic names of the rows stand beside each. */
export type WireLogRow =
  /** RO: one read from the transport. */
  | { kind: 'octetsReceived'; bytes: Excerpt }
  /** TO: one write to the transport. */
  | { kind: 'octetsSent'; bytes: Excerpt; sync: boolean }
  /** RF: one frame decoded. `payload` is unmasked. */
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
  /** TF: one frame handed to the sender, before its `octetsSent`. */
  | {
      kind: 'frameSent';
      /** The payload; the repeated unit when `repeatLength` is not null. */
      payload: Excerpt;
      opcode: number;
      fin: boolean;
      rsv: number;
      mask: string | null;
      /** The payload's length in bytes when `payload` is only the unit that was repeated to fill it. */
      repeatLength: number | null;
      /** Written in pieces of this many bytes. */
      chopSize: number | null;
      sync: boolean;
    }
  /** CT: a pause begins. */
  | { kind: 'delay'; seconds: number; tag: string | null }
  /** CTE: the pause is over. */
  | { kind: 'delayOver'; tag: string | null }
  /** KL: the connection will be failed after so many seconds. */
  | { kind: 'failAfter'; seconds: number }
  /** KLE: that time has come. */
  | { kind: 'failing' }
  /** TI: the closing handshake will be started after so many seconds. */
  | { kind: 'closeAfter'; seconds: number }
  /** TIE: that time has come. */
  | { kind: 'closing' }
  /** WLM: the wire log is switched on or off. */
  | { kind: 'wireLog'; enabled: boolean };

/** How the connection has to end. */
export interface ExpectedClose {
  /** The examiner's close frame comes first. */
  closedByMe: boolean;
  /** Codes that the testee's close frame may carry; no code at all is always accepted, and an empty list accepts any. */
  closeCode: number[];
  /** Both close frames were exchanged and the server dropped TCP. */
  requireClean: boolean;
  /** A close by the wrong side makes the behavior FAILED too. Left out where it does not. */
  closedByWrongEndpointIsFatal?: true;
}

/** Bytes of data messages, before and after compression and framing. Ratios are null when nothing was carried. */
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

/** The result of one case: the 39 classic fields under their classic names. */
export interface CaseResult extends ClosingFacts {
  /** 1-based: the place in the whole list when driving a server, in the selected list when serving a client. */
  case: number;
  id: string;
  agent: string;
  /** Plain text, without markup. */
  description: string;
  /** Plain text, without markup. */
  expectation: string;
  /** When the opening handshake was over (or failed): `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
  started: string;
  /** Milliseconds from `started` until the connection was gone. */
  duration: number;
  /** The overview shows the duration. */
  reportTime: boolean;
  /** The overview shows the compression ratios. */
  reportCompressionRatio: boolean;
  behavior: Behavior;
  behaviorClose: CloseBehavior;
  /** The reason for `behavior`, in one sentence. */
  result: string;
  /** The reason for `behaviorClose`, in one sentence. */
  resultClose: string;
  /** The event lists that the case accepts, by the verdict each brings. Empty where a rule of its own judges. */
  expected: Partial<Record<Behavior, CaseEvent[]>>;
  received: CaseEvent[];
  expectedClose: ExpectedClose;
  /** The examiner is the server: the testee is a client. */
  isServer: boolean;
  /** The raw header block, `?` if there was none. */
  httpRequest: string;
  /** The raw header block, `?` if there was none. */
  httpResponse: string;
  /** Statistics were kept at the end. */
  createStats: boolean;
  /** The wire log was kept at the end. */
  createWirelog: boolean;
  /** Bytes in one read -> how many such reads. */
  rxOctetStats: Record<number, number>;
  txOctetStats: Record<number, number>;
  /** Opcode -> how many frames. */
  rxFrameStats: Record<number, number>;
  txFrameStats: Record<number, number>;
  trafficStats: TrafficStats | null;
  wirelog: WireLogRow[];
}

/** How the result begins of a case in which the testee broke the protocol, so that the examiner failed the connection. */
export const FAULT: string = 'The testee made the examiner fail the connection';

/** How the result begins of the case of which the server died. */
export const DIED: string = 'The server died of this case';

/** How the result begins of a refusal that says nothing, because good handshakes are refused too. */
export const DEAF: string = 'A good handshake is refused too';

/** Whether a result passes: its behavior may be INFORMATIONAL or, unless `strict`, NON-STRICT or UNIMPLEMENTED. */
export function isPass(result: Pick<CaseResult, 'behavior' | 'behaviorClose'>, strict: boolean): boolean {
  if (result.behaviorClose !== 'OK' && result.behaviorClose !== 'INFORMATIONAL') return false;
  if (result.behavior === 'FAILED') return false;
  return !strict || result.behavior === 'OK' || result.behavior === 'INFORMATIONAL';
}
