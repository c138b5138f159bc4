// `Plan` is the work of one worker, and `Told` its reports, as values that threads can post.
import type { PackedHistogram } from './histogram.js';

/** The server, and how to open connections to it. */
export interface Target {
  /** As the user has given it, without user and password, for reports. */
  readonly url: string;
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
  /** A Unix socket in place of host and port. */
  readonly unix: string | undefined;
  /** Path and query. */
  readonly request: string;
  /** The field Host. */
  readonly authority: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly protocols: readonly string[];
  readonly origin: string | undefined;
  readonly isInsecure: boolean;
  readonly offersDeflate: boolean;
}

/** The pace of messages. */
export type Pace =
  /** Each connection has `depth` messages under way, and sends another for each answer. */
  | { readonly depth: number; readonly rate: undefined }
  /** All connections together send `rate` messages a second, whether answers arrive or not. */
  | { readonly rate: number; readonly depth: undefined };

export interface Plan {
  readonly target: Target;
  readonly pace: Pace;
  readonly payloads: readonly Uint8Array[];
  readonly isBinary: boolean;
  /** The number of connections of the worker, the index of the first one, and the number over all workers. */
  readonly connections: number;
  readonly first: number;
  readonly allConnections: number;
  /** The connections that the worker opens per second; 0 for no rate. */
  readonly connectRate: number;
  /** ms. */
  readonly warmup: number;
  readonly duration: number;
  /** The time limit of a handshake, and of the last answers, in ms. */
  readonly timeout: number;
}

/** Counts of errors by kind. */
export type Errors = Record<string, number>;

/** A report on the time since the last one; `open` is the present number, and `errors` the total. */
export interface Progress {
  readonly type: 'progress';
  readonly open: number;
  readonly answered: number;
  readonly errors: number;
  readonly latency: PackedHistogram;
}

/** The report that each connection has opened or failed. */
export interface Connected {
  readonly type: 'connected';
  readonly open: number;
  readonly errors: Errors;
}

/** The last report. The histograms are in ns. */
export interface Done {
  readonly type: 'done';
  readonly opened: number;
  /** The number of connections that agreed on compression. */
  readonly compressed: number;
  /** Of messages sent in the measured time. */
  readonly latency: PackedHistogram;
  readonly connecting: PackedHistogram;
  /** The delays of messages from the times at which they were due; empty in a closed loop. */
  readonly late: PackedHistogram;
  /** In the measured time. */
  readonly sent: number;
  readonly answered: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** The measured time in ms. */
  readonly measured: number;
  /** The share of the measured time in which the worker was busy, 0 to 1. */
  readonly busy: number;
  /** Microseconds of processor time in the measured time, of all threads of the program. */
  readonly processorTime: number;
  readonly errors: Errors;
}

export type Told = Progress | Connected | Done;
