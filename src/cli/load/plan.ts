// `Plan` says what one worker does, and `Told` what it tells of that, in values that threads can post.
import type { PackedHistogram } from './histogram.js';

/** The server, and how to open connections to it. */
export interface Target {
  /** As the user has given it, for reports. */
  readonly url: string;
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
  /** A Unix socket in the place of host and port. */
  readonly unix: string | undefined;
  /** Path and query. */
  readonly request: string;
  /** The field Host. */
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocols: readonly string[];
  readonly origin: string | undefined;
  readonly isInsecure: boolean;
  readonly offersDeflate: boolean;
}

/** How messages follow one another. */
export type Pace =
  /** Each connection has `depth` messages under way, and sends another for each answer. */
  | { readonly depth: number; readonly rate: undefined }
  /** All connections together send `rate` messages a second, whether answers come or not. */
  | { readonly rate: number; readonly depth: undefined };

export interface Plan {
  readonly target: Target;
  readonly pace: Pace;
  readonly payloads: readonly Uint8Array[];
  readonly isBinary: boolean;
  /** How many connections the worker opens, the number of the first one, and how many all workers open. */
  readonly connections: number;
  readonly first: number;
  readonly allConnections: number;
  /** Connections that the worker opens in a second; 0 for as many as go. */
  readonly connectRate: number;
  /** ms. */
  readonly warmup: number;
  readonly duration: number;
  /** How long a handshake may take, and the last answers, in ms. */
  readonly timeout: number;
}

/** Counts of errors by kind. */
export type Errors = Record<string, number>;

/** What a worker has seen since it last told. */
export interface Progress {
  readonly type: 'progress';
  readonly open: number;
  readonly answered: number;
  readonly errors: number;
  readonly latency: PackedHistogram;
}

/** All connections are open or have failed. */
export interface Connected {
  readonly type: 'connected';
  readonly open: number;
  readonly errors: Errors;
}

/** All is over. Times are in ns. */
export interface Done {
  readonly type: 'done';
  readonly opened: number;
  /** Connections that agreed on compression. */
  readonly compressed: number;
  /** Of messages sent in the measured time. */
  readonly latency: PackedHistogram;
  readonly connecting: PackedHistogram;
  /** How long after its time a message was sent; empty in a closed loop. */
  readonly late: PackedHistogram;
  /** In the measured time. */
  readonly sent: number;
  readonly answered: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** ms that were measured. */
  readonly measured: number;
  /** The share of the measured time in which the worker had something to do, 0 to 1. */
  readonly busy: number;
  /** Microseconds of processor time in the measured time, of all threads of the program. */
  readonly processorTime: number;
  readonly errors: Errors;
}

export type Told = Progress | Connected | Done;
