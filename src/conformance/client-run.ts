// `ClientRun` and `ClientExamination` are the settings and the results of a run in the client role.

import type { TlsOptions } from 'node:tls';
import type { Search } from './fuzz/search.js';
import type { CaseResult } from './result.js';
import type { Selection } from './select.js';

/** Results by the testee's name, then by the case's id. */
export type AgentResults = ReadonlyMap<string, ReadonlyMap<string, CaseResult>>;

/** How to serve clients under test. */
export interface ClientRun extends Selection {
  /** Port to listen on; 0 lets the system choose. */
  port: number;
  /** Address to listen on; default 127.0.0.1. */
  host?: string;
  /** With a certificate and a key the server speaks TLS. */
  tls?: Pick<TlsOptions, 'cert' | 'key'>;
  /** Cases to leave out for agents whose name matches: their connections are closed at once, without a result. */
  excludeFor?: Readonly<Record<string, readonly string[]>>;
  /** Origins whose pages may drive the run besides the examiner's own page; `*` stands for any. */
  allowedOrigins?: readonly string[];
  /** Subprotocols that the examiner agrees to, where a client offers one of them. */
  protocols?: readonly string[];
  /** Called when a case begins (`begun`) and when its connection is over. */
  onCase?: (id: string, begun: boolean, agent: string) => void;
  /** Threads beside this one, up to 64, that play the cases of compressed messages; default 0, which leaves them to this thread. */
  workers?: number;
  /** Stretches all time limits; default 1. */
  timeoutScale?: number;
  /** Called at /updateReports with all results so far; the client waits for it. */
  updateReports?: (results: AgentResults) => Promise<void> | void;
  /** Plays its streams in place of cases, whatever number a client asks for. */
  search?: Search;
  /** Ends the run: the iterator throws the signal's reason. */
  signal?: AbortSignal;
}

/** A run that serves clients; iterating over it yields their results as they end. */
export interface ClientExamination extends AsyncIterable<CaseResult> {
  /** Where it listens. */
  readonly url: string;
  readonly port: number;
  /** All results so far. */
  readonly results: AgentResults;
  /** Resolves when each case whose connection is over has its result. */
  settled(): Promise<void>;
  /** Ends the run, and its iteration behind the results of connections that are over. */
  stop(): void;
}
