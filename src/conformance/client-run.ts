// `ClientRun` and `ClientExamination` are the settings and the results of a run that examines clients.

import type { TlsOptions } from 'node:tls';
import type { Search } from './fuzz/search.js';
import type { CaseResult } from './result.js';
import type { Selection } from './select.js';

/** Results by the name of the testee, then by the id of the case. */
export type AgentResults = ReadonlyMap<string, ReadonlyMap<string, CaseResult>>;

/** The settings of a run that examines clients. */
export interface ClientRun extends Selection {
  /** The port to listen on; 0 lets the system choose. */
  port: number;
  /** The address to listen on; default 127.0.0.1. */
  host?: string;
  /** A certificate and a key, with which the server speaks TLS. */
  tls?: Pick<TlsOptions, 'cert' | 'key'>;
  /** Cases to leave out, by a pattern of agents' names. Their connections are closed at once, and have no result. */
  excludeFor?: Readonly<Record<string, readonly string[]>>;
  /** The origins of other pages that may drive the run; `*` is any. The examiner's own page always may. */
  allowedOrigins?: readonly string[];
  /** Subprotocols that the examiner accepts. */
  protocols?: readonly string[];
  /** Called when a case begins (`begun`) and when its connection ends. */
  onCase?: (id: string, begun: boolean, agent: string) => void;
  /** Worker threads, 0 to 64, that play the cases of compressed messages; default 0, with which this thread plays them. */
  workers?: number;
  /** A factor on all time limits; default 1. */
  timeoutScale?: number;
  /** Called with all results so far when a client requests /updateReports; the client waits for it. */
  updateReports?: (results: AgentResults) => Promise<void> | void;
  /** A search whose streams replace the cases, whichever case a client requests. */
  search?: Search;
  /** Ends the run when aborted: the iterator then throws the signal's reason. */
  signal?: AbortSignal;
}

/** A run that examines clients. Iteration yields results as cases end. */
export interface ClientExamination extends AsyncIterable<CaseResult> {
  /** The URL at which it listens. */
  readonly url: string;
  readonly port: number;
  /** All results so far. */
  readonly results: AgentResults;
  /** Resolves when every case whose connection has ended has its result. */
  settled(): Promise<void>;
  /** Ends the run; the iteration ends after the results of connections that have ended. */
  stop(): void;
}
